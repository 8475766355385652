"""The pods that the checks seat are those that the components ask the cluster for."""

import copy
import json
import runpy
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

import pytest
import yaml

from base.quantity import parse
from components import program
from config.load import load
from config.node_labels import GPU_POOL, TAINT
from config.pods import PodSet, pods
from config.reference import KEY
from sizing.seating import Needs, total
from tests import urns
from tests.paths import ROOT
from tests.support import Asked, Recorded, deploy

pytestmark = pytest.mark.slow
_COMMIT = "0" * 40
_FILES = {"repository": "a/b", "revision": _COMMIT, "size": "1Gi"}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "disaggregated, with a draft, an adapter and a cache in memory": (
        "prod",
        {
            "cluster.operators": ["minio", "cloudnative-pg"],
            "models.chat.replicas": 1,
            "models.chat.tensor_parallel": 2,
            "models.chat.vllm": {
                "prefill_replicas": 1,
                "routing": "prefix-aware",
                "adapters": {"law": _FILES | {"rank": 16}},
            },
            "models.code.vllm": {
                "speculation": {"method": "eagle", "tokens": 3, "draft": _FILES},
                "kv_offload": {"size": "20Gi"},
            },
        },
    ),
    "labels, an operator of NVIDIA's, claims": (
        "prod",
        {
            "cluster.operators": ["minio", "cloudnative-pg", "gpu-operator"],
            "pools.h200.operator": "already-there",
            "pools.h200.operator_namespace": "nvidia",
            "pools.l40s.feature_discovery": True,
        },
    ),
    "Dynamic Resource Allocation": ("prod", {"pools.l40s.allocation": "dra"}),
    "other numbers everywhere": (
        "prod",
        {
            "minio.servers": 8,
            "qdrant.nodes": 1,
            "databases.open_webui.instances": 3,
            "keycloak.replicas": 1,
            "router.replicas": 3,
            "open_webui.replicas": 4,
            "gateway.replicas": 1,
            "keycloak.resources": {
                # Less than the init container before it requests.
                "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral_storage": "10Mi"},
                "limits": {"cpu": "2", "memory": "2Gi", "ephemeral_storage": "1Gi"},
            },
        },
    ),
}


def changed(stack: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    raw = copy.deepcopy(yaml.safe_load(urns.files()[stack].read_text())["config"][KEY])
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = raw
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return raw


def rendered(raw: dict[str, Any]) -> Recorded:
    def whole() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(program, "watch", lambda _: None)  # there is no cluster to watch
        return deploy(whole, {KEY: json.dumps(raw)})


def seats(recorded: Recorded) -> list[tuple[Any, ...]]:
    """What each workload asks of the scheduler: name, kind, pool, count, surge, needs."""
    most = {
        each.inputs["spec"]["scaleTargetRef"]["name"]: each.inputs["spec"]["maxReplicaCount"]
        for each in recorded.values()
        if each.inputs.get("kind") == "ScaledObject"
    }
    found: list[tuple[Any, ...]] = []
    for asked in recorded.values():
        if asked.type.startswith("kubernetes:"):
            found += _seats(asked, most)
    return sorted(found, key=str)


def _seats(asked: Asked, most: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    spec, name, kind = asked.inputs.get("spec", {}), asked.name, asked.type.split(":")[-1]
    replicas = spec.get("replicas") or most.get(name) or most.get(f"{name}-auto")
    if kind == "Deployment":
        surge = spec["strategy"]["rollingUpdate"]["maxSurge"]
        yield name, "server", *_template(spec["template"]["spec"]), replicas, surge
    elif kind == "StatefulSet":
        yield name, "server", *_template(spec["template"]["spec"]), replicas, 0
    elif kind == "DaemonSet":
        yield name, "daemon", *_template(spec["template"]["spec"]), 1, 0
    elif kind == "Job":
        yield name, "job", *_template(spec["template"]["spec"]), 1, 0
    elif kind == "LeaderWorkerSet":
        template = spec["leaderWorkerTemplate"]
        leader, worker = (
            _template(template[f"{role}Template"]["spec"]) for role in ("leader", "worker")
        )
        assert leader == worker
        assert spec["rolloutStrategy"]["rollingUpdateConfiguration"]["maxSurge"] == 0
        yield name, "server", *leader, replicas * template["size"], 0
    elif kind == "Cluster":
        affinity = spec["affinity"]
        assert set(affinity) == {"enablePodAntiAffinity", "podAntiAffinityType", "topologyKey"}
        assert affinity["podAntiAffinityType"] == "preferred"
        _spreads_if_it_can(spec)
        # The container before it has the same (cloudnative-pg v1.27.0, pkg/specs/pods.go).
        alone = _pod([spec["resources"]])
        yield name, "server", None, alone, spec["instances"], 0
    elif kind == "Tenant":
        [pool] = spec["pools"]
        assert not {"affinity", "nodeSelector", "tolerations"} & set(pool)
        assert "sideCars" not in spec
        _spreads_if_it_can(pool)
        yield name, "server", None, _pod([pool["resources"], {}]), pool["servers"], 0


def _template(pod: Mapping[str, Any]) -> tuple[str | None, Needs]:
    """Pool and needs of a pod, of which nothing else decides where it may run."""
    assert "affinity" not in pod
    assert not pod.get("hostNetwork")
    assert not pod.get("schedulingGates")
    _spreads_if_it_can(pod)
    selector = pod.get("nodeSelector", {})
    assert set(selector) <= {GPU_POOL}
    wanted = [{"key": TAINT, "operator": "Exists", "effect": "NoSchedule"}] if selector else []
    assert pod.get("tolerations", []) == wanted
    every = [*pod["containers"], *pod.get("initContainers", [])]
    assert not [p for c in every for p in c.get("ports", []) if "hostPort" in p]
    assert not [c for c in every if c.get("restartPolicy")], "a sidecar counts with the others"
    resources = [c["resources"] for c in pod["containers"]]
    before = [c["resources"] for c in pod.get("initContainers", [])]
    return selector.get(GPU_POOL), _pod(resources, before)


def _spreads_if_it_can(spec: Mapping[str, Any]) -> None:
    for each in spec.get("topologySpreadConstraints", []):
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"


def _pod(containers: Sequence[Any], before: Sequence[Any] = ()) -> Needs:
    together = total(_one(c) for c in containers)
    found = [max(amounts) for amounts in zip(together, *map(_one, before), strict=True)]
    return Needs(*found[:3])


def _one(resources: Mapping[str, Any]) -> Needs:
    # What the LimitRange of the namespace gives where nothing is stated.
    default = {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"}
    asked = {**default, **resources.get("requests", {})}
    cpu, memory, disk = (parse(asked[key]) for key in default)
    return Needs(ceil(cpu * 1000), ceil(memory), ceil(disk), pods=0)


def told(each: PodSet) -> tuple[Any, ...]:
    return each.name, each.kind, each.pool, each.needs, each.count, each.surge


@pytest.mark.parametrize("stack", sorted(urns.files()))
def test_every_pod_that_is_rendered_is_seated_as_it_is(stack: str) -> None:
    config = load(changed(stack, {}), stack)

    assert sorted(map(told, pods(config)), key=str) == seats(urns.asked_for(stack))


@pytest.mark.parametrize("variant", VARIANTS)
def test_so_is_every_pod_of(variant: str) -> None:
    stack, changes = VARIANTS[variant]
    raw = changed(stack, changes)
    config = load(raw, stack)

    assert sorted(map(told, pods(config)), key=str) == seats(rendered(raw))


@pytest.mark.parametrize("stack", sorted(urns.files()))
def test_what_states_nothing_gets_what_the_limit_range_gives(stack: str) -> None:
    for asked in urns.asked_for(stack).of("kubernetes:core/v1:LimitRange"):
        [limit] = asked.inputs["spec"]["limits"]
        given = {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"}
        assert limit["defaultRequest"] == given


def test_every_setting_that_a_message_may_name_exists() -> None:
    for stack in urns.files():
        config = load(changed(stack, {}), stack).model_dump()
        for each in pods(load(changed(stack, {}), stack)):
            for path in filter(None, (each.resources, each.replicas)):
                node: Any = config
                for key in path.split("."):
                    node = node[key]
