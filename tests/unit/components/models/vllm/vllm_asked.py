"""A vLLM service on recorded mocks: what it asks of the cluster for given settings."""

from dataclasses import replace
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output

from components.common.contracts import GpuPlacement, StoredModel
from components.models.model_server import ModelServerArgs, Role, ServedModel
from components.models.vllm.service import VllmService
from components.monitoring.prometheus import query_access
from config.settings.models import TokenModelSettings
from config.settings.pools import GpuPoolSettings
from tests.support import Recorded, deploy, tier

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {"repository": "organization/name", "revision": COMMIT, "size": "1Gi"}
"""Of a draft; an adapter has a rank besides."""
ADAPTERS = {"legal": FILES | {"rank": 32}, "medical": FILES | {"rank": 16}}

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SERVICE = "kubernetes:core/v1:Service"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
GROUPS = "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet"
SCALED = "kubernetes:keda.sh/v1alpha1:ScaledObject"
AUTHENTICATION = "kubernetes:keda.sh/v1alpha1:TriggerAuthentication"


def model(**given: Any) -> TokenModelSettings:
    """Settings of Llama 3.3 70B in FP8, changed as *given*."""
    base = {"model": "llama-3.3-70b", "dtype": "fp8", "pool": "h200", "context_tokens": 32768}
    return TokenModelSettings.model_validate(base | given)


def placement(runtime_class: Output[str], driver: int = 580) -> GpuPlacement:
    """Nodes with eight H200 each."""
    return GpuPlacement(
        device=GpuPoolSettings(gpu="h200-141gb", nodes=1, gpus_per_node=8).device(),
        node_selector={"private-ai.dev/gpu-pool": "h200"},
        taint="nvidia.com/gpu",
        runtime_class=runtime_class,
        driver=driver,
    )


def served(
    settings: TokenModelSettings, name: str = "chat", *, role: Role = "standalone", hosts: int = 1
) -> ServedModel:
    """A model for its command line alone: its weights, and those besides, lie below `abc`."""
    nowhere = Output.from_input("")

    def stored(root: str) -> StoredModel:
        return StoredModel(nowhere, f"{root}/abc", root, nowhere, "{}", 0, 1)

    return ServedModel(
        settings,
        name,
        placement=placement(nowhere),
        weights=stored("/models"),
        extras={extra: stored(f"/extras/{extra}") for extra in settings.extra_files},
        hosts=hosts,
        role=role,
    )


def ask(*, driver: int = 580, **given: Any) -> Recorded:
    """What the service `chat`, whose model users call llama-70b, asks for."""
    settings = model(**given)

    def stored(name: str, root: str) -> StoredModel:
        return StoredModel(
            claim=k8s.core.v1.ConfigMap(name).metadata.name,
            path=f"{root}/abc",
            root=root,
            verifier=Output.from_input("verifier"),
            expected="{}",
            size_bytes=100 * 10**9,
            read_rate=10**9,
        )

    def program() -> None:
        pool = k8s.core.v1.ConfigMap("pool")
        here = tier("llm-production")
        service = VllmService(
            "chat",
            ModelServerArgs(
                tier=here,
                model=ServedModel(
                    settings,
                    "llama-70b",
                    placement=placement(pool.metadata.name, driver),
                    weights=stored("weights", "/models"),
                    extras={name: stored(name, f"/extras/{name}") for name in settings.extra_files},
                    hosts=settings.hosts(8),
                ),
                prometheus=query_access(
                    "prometheus", replace(here, namespace=Output.from_input("monitoring"))
                ),
                api_server_cidrs=["10.96.0.1/32"],
            ),
        )
        urls = {endpoint.name: endpoint.url for endpoint in service.endpoints}
        k8s.core.v1.ConfigMap("consumer", data=urls)

    return deploy(program)


def pod_of(recorded: Recorded, name: str = "chat") -> dict[str, Any]:
    """The pod of the Deployment called *name*."""
    return recorded.one(DEPLOYMENT, name).inputs["spec"]["template"]["spec"]


def container_of(pod: dict[str, Any], name: str = "vllm") -> dict[str, Any]:
    """Its container called *name*."""
    [found] = [each for each in pod["containers"] if each["name"] == name]
    return found


def environment_of(container: dict[str, Any]) -> dict[str, Any]:
    """Its environment; a value from elsewhere as the source of it."""
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container["env"]}
