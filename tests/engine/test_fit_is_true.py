"""What the sizing says fits, the real scheduler places; what it refuses may well stay Pending."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

from catalog.gpus import gpu
from catalog.models import model
from config.node_labels import GPU_POOL
from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.api import Api, Object
from sim.control_plane import SimCluster
from sizing.capacity import Capacity, Pool, Service, capacity
from tests.engine.sim_support import eventually, once
from toolchain import build

POOLS = {
    "h100": Pool(name="h100", gpu=gpu("h100-80gb"), nodes=3, gpus_per_node=8),
    "l40s": Pool(name="l40s", gpu=gpu("l40s-48gb"), nodes=2, gpus_per_node=4),
    "rtx": Pool(name="rtx", gpu=gpu("rtx6000ada-48gb"), nodes=3, gpus_per_node=2),
}
EXPECTS = ClusterConfig(
    context="fit",
    identifier="fit",
    nodes=[
        NodeGroup(profile="8xh100-80gb", count=3, pool="h100"),
        NodeGroup(profile="4xl40s-48gb", count=2, pool="l40s"),
        NodeGroup(profile="2xrtx6000ada-48gb", count=3, pool="rtx"),
    ],
    storage_classes=[StorageClassConfig(name="fast", default=True)],
)
PODS = "/api/v1/namespaces/default/pods"
WIDTHS = {1: "qwen3-4b", 2: "qwen3-4b", 4: "qwen3-4b", 8: "llama-3.3-70b"}
"""A model that can be cut so, by tensor parallelism."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    toolchain = build.ensure("cluster", Console(stderr=True))
    home = tmp_path_factory.mktemp("fit") / "cluster"
    with SimCluster.start(EXPECTS, home, toolchain) as running:
        yield running.api()


def services(pool: str, widths: Sequence[tuple[int, int]]) -> list[Service]:
    """A service for each width, GPUs, and number of replicas."""
    fields: dict[str, Any] = {"pool": pool, "context_tokens": 4096}
    return [
        Service(
            name=f"s{i}",
            model=model(WIDTHS[width]),
            tensor_parallel=width,
            replicas=replicas,
            **fields,
        )
        for i, (width, replicas) in enumerate(widths)
    ]


def fit(pool: str, widths: Sequence[tuple[int, int]]) -> Capacity:
    return capacity([POOLS[pool]], services(pool, widths))


def parts(pool: str, width: int) -> list[int]:
    """The pods of one replica: of one wider than a node, one for each node that it spans."""
    hosts = -(-width // POOLS[pool].gpus_per_node)
    return [width // hosts] * hosts


def pod(name: str, pool: str, gpus: int) -> Object:
    """One server, of those that spread over nodes where they can, as the stack's own do."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"pool": pool}},
    }
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}}
    return {
        "metadata": {"name": name, "labels": {"pool": pool}},
        "spec": {
            "containers": [{"name": "server", "image": "server", "resources": resources}],
            "nodeSelector": {GPU_POOL: pool},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "topologySpreadConstraints": [spread],
            "terminationGracePeriodSeconds": 0,
        },
    }


@contextmanager
def pods(api: Api, pool: str, gpus: Sequence[int]) -> Generator[list[str]]:
    """Pods of so many *gpus*, created in that order, by path; gone in the end."""
    paths = [f"{PODS}/p{number}" for number in range(len(gpus))]
    for number, count in enumerate(gpus):
        api.create(PODS, pod(f"p{number}", pool, count))
    try:
        yield paths
    finally:
        for path in paths:
            api.delete(path)
        eventually(lambda: not api.items(PODS))


def is_placed(content: Object) -> bool:
    return "nodeName" in content["spec"]


def is_refused(content: Object) -> bool:
    """Whether the scheduler has said that there is no node for it."""
    conditions = content["status"].get("conditions", [])
    return any(c["type"] == "PodScheduled" and c["status"] == "False" for c in conditions)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    st.sampled_from(sorted(POOLS)),
    st.lists(st.tuples(st.sampled_from(sorted(WIDTHS)), st.integers(1, 6)), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_what_the_sizing_accepts_the_scheduler_places_in_any_order(
    api: Api, pool: str, widths: list[tuple[int, int]], order: Random
) -> None:
    assume(fit(pool, widths).problems == [])
    gpus = [part for width, n in widths for part in parts(pool, width) * n]
    order.shuffle(gpus)

    with pods(api, pool, gpus):
        eventually(lambda: all(is_placed(each) for each in api.items(PODS)))


def test_narrow_pods_keep_a_wide_one_out_of_a_pool_that_the_sizing_refuses(api: Api) -> None:
    """Two nodes of four could hold 2 + 2 and 4; the scheduler puts the first two side by side."""
    (problem,) = fit("l40s", [(2, 2), (4, 1)]).problems

    assert problem.code == "pool-fragmented"
    with pods(api, "l40s", [2, 2]) as narrow:
        for path in narrow:
            once(api, path, is_placed)
        api.create(PODS, pod("wide", "l40s", 4))
        once(api, f"{PODS}/wide", is_refused)
        api.delete(f"{PODS}/wide")
