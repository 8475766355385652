"""The custom resources of model servers, held by a real API server to their types' true schemas.

Field validation is strict, so that a name which the type does not have is refused, and the webhooks
of the real LeaderWorkerSet have their say. Nothing is kept: `test_sim_controllers.py` shows what
the controllers make of such objects, and the example stacks bring them up.
"""

from collections.abc import Iterator

import pytest
from rich.console import Console

from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.api import Api, Object, RefusedError
from sim.control_plane import SimCluster
from tests.engine.sim_support import new_namespace
from tests.unit.components.models.vllm.vllm_asked import AUTHENTICATION, GROUPS, SCALED, ask
from toolchain import build

EXPECTS = ClusterConfig(
    context="resources",
    identifier="resources",
    nodes=[NodeGroup(profile="8xh100-80gb", count=2, pool="h200")],
    storage_classes=[StorageClassConfig(name="fast", default=True)],
    operators=["leader-worker-set", "keda"],
)
NAMESPACE = "llm-production"
RDMA = {"resource": "rdma/hca", "hca": "mlx5"}
PLURALS = {
    GROUPS: "leaderworkersets",
    SCALED: "scaledobjects",
    AUTHENTICATION: "triggerauthentications",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("resources") / "cluster"
    toolchain = build.ensure("cluster", Console(stderr=True), EXPECTS.operators)
    with SimCluster.start(EXPECTS, home, toolchain) as running:
        api = running.api()
        assert new_namespace(api, NAMESPACE) == NAMESPACE
        yield api


@pytest.fixture(scope="module")
def generated() -> dict[str, Object]:
    """By Pulumi type, what is asked for a model over two nodes that KEDA scales."""
    asked = ask(
        tensor_parallel=8,
        pipeline_parallel=2,
        autoscaling={"min": 1, "max": 3},
        vllm={"rdma": RDMA, "kv_offload": {"size": "64Gi"}},
    )
    return {kind: asked.of(kind)[0].inputs for kind in PLURALS}


def offer(api: Api, kind: str, content: Object) -> Object:
    """What the API server would store of *content*, named by the provider where we do not."""
    named = content | {"metadata": {"name": "named", **content["metadata"]}}
    path = f"/apis/{content['apiVersion']}/namespaces/{NAMESPACE}/{PLURALS[kind]}"
    return api.create(f"{path}?dryRun=All&fieldValidation=Strict", named)


@pytest.mark.parametrize("kind", PLURALS)
def test_it_is_taken_as_it_is_generated(api: Api, generated: dict[str, Object], kind: str) -> None:
    stored = offer(api, kind, generated[kind])

    # Defaults are added, and nothing that was meant is dropped or changed.
    assert without_additions(stored["spec"], generated[kind]["spec"]) == generated[kind]["spec"]


def without_additions(stored: object, given: object) -> object:
    """*stored* without the fields that *given* does not have."""
    if isinstance(stored, dict) and isinstance(given, dict):
        return {key: without_additions(stored[key], given[key]) for key in given if key in stored}
    if isinstance(stored, list) and isinstance(given, list):
        return [without_additions(*pair) for pair in zip(stored, given, strict=True)]
    return stored


@pytest.mark.parametrize("kind", PLURALS)
def test_a_field_that_its_type_does_not_have_would_be_refused(
    api: Api, generated: dict[str, Object], kind: str
) -> None:
    wrong = generated[kind] | {"spec": generated[kind]["spec"] | {"replicaz": 1}}

    with pytest.raises(RefusedError, match="replicaz"):
        offer(api, kind, wrong)
