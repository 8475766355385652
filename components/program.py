"""What the program reads before it constructs, and what it tells when it is done."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components import grafana, open_webui
from components.gpu_node_pool import GPU_RESOURCE
from components.realm import Client
from components.watch import watch
from config.cluster import ClusterConfig
from config.hosts import Hosts
from config.load import load
from config.problems import ConfigError
from config.stack import StackConfig
from config.stack_checks import capacity


def read_stack() -> StackConfig:
    """The configuration of the stack that is being deployed.

    Raises RunError, which the engine shows without a trace, with every problem there is.
    """
    try:
        return load(pulumi.Config().get_object("stack") or {}, pulumi.get_stack())
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None


def hub_token() -> Output[str] | None:
    """The person's token of the model hub: `pulumi config set --secret hub-token`."""
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
    """GPUs of all pools, by the resource name that pods ask for."""
    return {GPU_RESOURCE: sum(pool.gpus for pool in stack.pools.values())}


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
