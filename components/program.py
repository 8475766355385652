"""Inputs and stack outputs of the program."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor
from pydantic_core import PydanticCustomError

from base.problems import ConfigError, Problem
from components import sdk_overhead
from components.apps import open_webui
from components.auth.realm import Client
from components.existing.guard import unclaimed_context
from components.existing.named_objects import FixedNames
from components.monitoring import grafana
from components.platform import CLAIMED_DEVICES
from components.upgrades import refuse_upgrades
from components.watch import watch
from config.checks.advice import advice
from config.checks.alert_webhook import URL
from config.checks.stack import capacity
from config.load import load
from config.settings.hosts import Hosts
from config.settings.observability import WEBHOOK_URL, ObservabilitySettings
from config.settings.teams import Team
from config.stack import StackConfig


def read_stack() -> StackConfig:
    """The configuration of the stack that is being deployed.

    Warns about settings that degrade the service. Raises RunError, which Pulumi shows without a
    traceback, with all problems.
    """
    sdk_overhead.reduce()
    try:
        settings = pulumi.Config().get_object("stack") or {}
        stack = load(
            settings,
            pulumi.get_stack(),
            hub_token=hub_token() is not None,
            alert_webhook_url=_alert_webhook_url() is not None,
        )
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    for each in advice(stack):
        pulumi.warn(str(each))
    return stack


def hub_token() -> Output[str] | None:
    """Token of the model source: `pulumi config set --secret hub-token`."""
    return pulumi.Config().get_secret("hub-token")


def alert_webhook_url(settings: ObservabilitySettings) -> Output[str] | None:
    """URL of the receiver of alerts, a secret: of the stack's file, or the one that is set as such.

    `pulumi config set --secret alert-webhook-url`.
    """
    in_file = settings.webhook.url if settings.webhook else None
    url = _alert_webhook_url() or in_file
    return Output.secret(url) if url else None


def _alert_webhook_url() -> str | None:
    """The URL that is set as a secret. Raises ConfigError, without quoting it."""
    url = pulumi.Config().get("alert-webhook-url")
    if isinstance(get_monitor(), MockMonitor):
        return url  # a placeholder
    try:
        return url and WEBHOOK_URL.check(url)
    except PydanticCustomError as error:
        problem = Problem(
            URL, "other text", error.message(), "Run: pulumi config set --secret alert-webhook-url"
        )
        raise ConfigError(pulumi.get_stack(), [problem]) from None


def cluster_options(stack: StackConfig) -> ResourceOptions:
    """Resource options with the only Kubernetes provider of the program, for *stack*'s cluster.

    The kubeconfig is that of `KUBECONFIG`, or the secret `private-ai:kubeconfig` where set. The
    identifier, not the kubeconfig, identifies the cluster: without it any change of the
    kubeconfig's cluster entry would replace every resource.

    The context is known once the cluster has nothing of the stack's names that is not the stack's.
    From now on, updates that a part or the API server will not make are refused.
    """
    refuse_upgrades(disposable=stack.platform.disposable)
    names = FixedNames(stack.platform)
    provider = k8s.Provider(
        "cluster",
        context=unclaimed_context(stack, names),
        cluster_identifier=stack.cluster.identifier,
        kubeconfig=pulumi.Config().get_secret("kubeconfig"),
    )
    watch(stack.cluster.context)
    return ResourceOptions(providers=[provider], transformations=[names])


def oidc_clients(stack: StackConfig) -> list[Client]:
    """Clients of the realm: two applications for people, and one service account per team.

    Programs of a team get access tokens for the API with it (client credentials).
    """
    people = {
        "open-webui": f"https://{stack.hosts.ai}{open_webui.CALLBACK}",
        "grafana": f"https://{stack.hosts.monitoring}{grafana.CALLBACK}",
    }
    return [
        *(Client(client_id=name, redirect_uris=[callback]) for name, callback in people.items()),
        *(Client(client_id=f"api-{team}", for_api=True, team=team) for team in stack.teams),
    ]


def gpus(stack: StackConfig) -> dict[str, int]:
    """Devices of all pools by the name that a quota counts: GPUs, partitions, or claims."""
    found: dict[str, int] = {}
    for pool in stack.pools.values():
        for device in pool.devices:
            claimed = pool.allocation == "dra"
            name = f"{device.device_class}{CLAIMED_DEVICES}" if claimed else device.resource
            found[name] = found.get(name, 0) + device.per_node * pool.nodes
    return found


def capacity_report(stack: StackConfig) -> dict[str, Any]:
    """Used and available GPUs per pool, and memory per model, in bytes per GPU."""
    found = capacity(stack)
    return {
        "pools": [pool.model_dump() for pool in found.pools],
        "models": [
            {
                "name": service.name,
                "model": service.model,
                "pool": service.pool,
                "gpus": service.gpus,
                "gpu_bytes": service.fit.gpu_bytes,
                "used_bytes": service.fit.per_gpu_bytes,
                "headroom_bytes": service.fit.headroom_bytes,
            }
            for service in found.services
        ],
    }


def access_report(stack: StackConfig) -> dict[str, Any]:
    """Who may ask which models, and how much: of each team, of the chat, of all access tokens.

    A plain record for reviews: the files that enforce it are in Secrets, which show no difference.
    A team without `models` may ask all of them. About 450 bytes of the state in prod.
    """
    return {
        "models": stack.served_names,
        "teams": {name: _limits(team) for name, team in stack.teams.items()},
        "chat": {**_limits(stack.open_webui.limits), "new_users": stack.open_webui.default_role},
        "access_tokens": {"requests_per_minute": stack.gateway.requests_per_minute},
    }


def _limits(team: Team) -> dict[str, Any]:
    return team.model_dump(exclude=set() if team.models else {"models"})


def urls(hosts: Hosts, issuer: str) -> dict[str, str]:
    """Public URLs."""
    return {
        "chat": f"https://{hosts.ai}",
        "api": f"https://{hosts.ai}/v1",
        "sign-in": issuer,
        "dashboards": f"https://{hosts.monitoring}",
    }
