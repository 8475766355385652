"""What the checks seat on the nodes without GPUs the real scheduler places; what they refuse not.

The pods are those of the local stack, with their requests and the spread they prefer, without what
they run.
"""

import copy
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
import yaml
from rich.console import Console

from base.problems import ConfigError
from config.checks.advice import advice
from config.checks.seats import seated
from config.load import load
from config.pods import PodSet, pods
from config.reference import KEY
from config.settings.cluster import ClusterConfig
from config.stack import StackConfig
from sim.api import Api, Object
from sim.control_plane import SimCluster
from tests.engine.sim_support import eventually
from toolchain import build
from toolchain.environment import PROJECT

LOCAL = yaml.safe_load((PROJECT / "Pulumi.local.yaml").read_text())["config"][KEY]
PODS = "/api/v1/namespaces/default/pods"
NODES = [
    {"profile": "2xrtx6000ada-48gb", "count": 2, "pool": "rtx"},
    {"profile": "cpu-8", "count": 3, "zones": ["a", "b", "c"]},
]
LESS = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
LARGE = {"requests": {"cpu": "3510m", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "4Gi"}}
FITS: dict[str, Any] = {"router": {"resources": LESS}}
"""20 of 21 cores, of which there is advice."""
ROOMY = FITS | {"keycloak": {"replicas": 1}, "gateway": {"replicas": 1}}
"""16 of 21 cores, of which there is none."""
TOO_MANY: dict[str, Any] = {"router": {"replicas": 5, "resources": LESS}}
"""21.5 of 21 cores."""
TOO_LARGE: dict[str, Any] = {
    "gateway": {"replicas": 4, "resources": LARGE},
    "keycloak": {"replicas": 1, "resources": LESS},
    "router": {"replicas": 1, "resources": LESS},
    "open_webui": {"replicas": 1},
    "qdrant": {"nodes": 1},
    "databases": {name: {"instances": 1, "resources": LESS} for name in ("keycloak", "open_webui")},
}
"""20.9 of 21 cores, and four pods that are larger than half a node, for three nodes."""


def stack(changes: dict[str, Any]) -> dict[str, Any]:
    raw = copy.deepcopy(LOCAL) | changes
    raw["cluster"]["nodes"] = NODES
    return raw


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    toolchain = build.ensure("cluster", Console(stderr=True))
    home = tmp_path_factory.mktemp("seats") / "cluster"
    expects = ClusterConfig.model_validate(stack({})["cluster"] | {"context": "seats"})
    with SimCluster.start(expects, home, toolchain) as running:
        yield running.api()


def pod(name: str, each: PodSet) -> Object:
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"of": each.name}},
        }
        for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]
    requests = {
        "cpu": f"{each.needs.cpu}m",
        "memory": str(each.needs.memory),
        "ephemeral-storage": str(each.needs.disk),
    }
    container = {"name": "one", "image": "one", "resources": {"requests": requests}}
    return {
        "metadata": {"name": name, "labels": {"of": each.name}},
        "spec": {
            "containers": [container],
            "topologySpreadConstraints": spread,
            "terminationGracePeriodSeconds": 0,
        },
    }


def without_gpus(config: StackConfig) -> list[PodSet]:
    """The set of every pod, once for each replica."""
    return [
        each
        for each in pods(config)
        if each.pool is None and each.kind == "server"
        for _ in range(each.count)
    ]


@contextmanager
def created(api: Api, wanted: list[PodSet]) -> Generator[None]:
    """A pod for each of *wanted*, in that order; gone in the end."""
    names = [f"p{number}" for number in range(len(wanted))]
    for name, each in zip(names, wanted, strict=True):
        api.create(PODS, pod(name, each))
    try:
        yield
    finally:
        for name in names:
            api.delete(f"{PODS}/{name}")
        eventually(lambda: not api.items(PODS))


def placed(api: Api) -> list[str | None]:
    """The node of each pod, None where the scheduler has said that there is none."""
    found = [
        (
            each["spec"].get("nodeName"),
            any(
                c["type"] == "PodScheduled" and c["status"] == "False"
                for c in each["status"].get("conditions", [])
            ),
        )
        for each in api.items(PODS)
    ]
    return [node for node, refused in found] if all(n or r for n, r in found) else []


def nodes(config: StackConfig) -> set[str]:
    """Those that have no GPUs, and pods."""
    return {seat.node for seat in seated(config) or () if seat.pods}


def test_what_just_fits_can_be_placed_and_is_not_refused(api: Api) -> None:
    """The largest first; in other orders a large one may find no room, so there is advice."""
    config = load(stack(FITS), "local")
    wanted = sorted(without_gpus(config), key=lambda each: each.needs, reverse=True)
    assert [each.path for each in advice(config)] == ["cluster.nodes"]

    with created(api, wanted):
        found = eventually(lambda: placed(api))

    assert len(found) == len(wanted)
    assert set(found) == nodes(config)


@pytest.mark.parametrize("seed", range(5))
def test_what_nothing_is_advised_about_is_placed_in_any_order(api: Api, seed: int) -> None:
    config = load(stack(ROOMY), "local")
    wanted = without_gpus(config)
    Random(seed).shuffle(wanted)  # noqa: S311 - an order
    assert advice(config) == []

    with created(api, wanted):
        found = eventually(lambda: placed(api))

    assert len(found) == len(wanted)
    assert set(found) == nodes(config)


@pytest.mark.parametrize("changes", [TOO_MANY, TOO_LARGE], ids=["too many", "too large"])
def test_what_just_does_not_fit_is_not(api: Api, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        load(stack(changes), "local")
    assert {problem.path for problem in refused.value.problems} <= {
        "cluster.nodes",
        "gateway.resources.requests",
    }
    enough = copy.deepcopy(stack(changes))
    enough["cluster"]["nodes"] = [NODES[0], {"profile": "cpu-16", "count": 9}]

    with created(api, without_gpus(load(enough, "local"))):
        assert None in eventually(lambda: placed(api))
