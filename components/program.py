"""What the program reads before it constructs, and what it tells when it is done."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from base.problems import ConfigError
from components.apps import open_webui
from components.auth.realm import Client
from components.monitoring import grafana
from components.platform import CLAIMED
from components.source_frames import keep_one_frame
from components.watch import watch
from config.checks.advice import advice
from config.checks.stack import capacity
from config.load import load
from config.settings.cluster import ClusterConfig
from config.settings.hosts import Hosts
from config.stack import StackConfig


def read_stack() -> StackConfig:
    """The configuration of the stack that is being deployed.

    Warns of what works worse than it could. Raises RunError, which the engine shows without a
    trace, with every problem there is.
    """
    keep_one_frame()
    try:
        settings = pulumi.Config().get_object("stack") or {}
        stack = load(settings, pulumi.get_stack(), hub_token=hub_token() is not None)
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    for each in advice(stack):
        pulumi.warn(str(each))
    return stack


def hub_token() -> Output[str] | None:
    """What the source of weights asks for: `pulumi config set --secret hub-token`."""
    return pulumi.Config().get_secret("hub-token")


def on_cluster(cluster: ClusterConfig) -> ResourceOptions:
    """The options that put a component on *cluster*, through the one provider of the program.

    The kubeconfig is that of `KUBECONFIG`, or the secret `private-ai:kubeconfig` where set. The
    identifier, not the kubeconfig, says which cluster it is: without it any change of the
    kubeconfig's cluster entry would replace every resource.
    """
    provider = k8s.Provider(
        "cluster",
        context=cluster.context,
        cluster_identifier=cluster.identifier,
        kubeconfig=pulumi.Config().get_secret("kubeconfig"),
    )
    watch(cluster.context)
    return ResourceOptions(providers=[provider])


def oidc_clients(stack: StackConfig) -> list[Client]:
    """The applications of the realm: two that people sign in to, and one account a team.

    A program of a team gets tokens for the API with its account (client credentials).
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
    """What all pools offer, by the name that a quota counts: GPUs, parts of them, or claims."""
    found: dict[str, int] = {}
    for pool in stack.pools.values():
        for device in pool.devices:
            claimed = pool.allocation == "dra"
            name = f"{device.device_class}{CLAIMED}" if claimed else device.resource
            found[name] = found.get(name, 0) + device.per_node * pool.nodes
    return found


def capacity_report(stack: StackConfig) -> dict[str, Any]:
    """GPUs used of available by pool, and what each model leaves free, bytes of each GPU."""
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


def urls(hosts: Hosts, issuer: str) -> dict[str, str]:
    """Where people and programs go."""
    return {
        "chat": f"https://{hosts.ai}",
        "api": f"https://{hosts.ai}/v1",
        "sign-in": issuer,
        "dashboards": f"https://{hosts.monitoring}",
    }
