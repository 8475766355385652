"""What each pod of each stack and example may write, and who bounds it."""

from collections.abc import Iterator
from typing import Any

import pytest

from base.quantity import parse
from tests import urns

STACKS = sorted(urns.files())
pytestmark = pytest.mark.slow
_CLUSTER = "kubernetes:postgresql.cnpg.io/v1:Cluster"


def pods(stack: str) -> dict[str, dict[str, Any]]:
    """The pods that our own workloads make, by the name of the workload."""
    return {
        f"{asked.name} {place}": found
        for asked in urns.asked_for(stack).values()
        if asked.type.startswith("kubernetes:")
        for place, found in _pods(asked.inputs)
    }


def _pods(content: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(content, dict):
        if "containers" in content:
            yield place, content
            return
        for key, value in content.items():
            yield from _pods(value, f"{place}.{key}")


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["containers"], *pod.get("initContainers", [])]


def empty(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {v["name"]: v["emptyDir"] for v in pod.get("volumes", []) if "emptyDir" in v}


@pytest.mark.parametrize("stack", STACKS)
def test_every_path_that_a_pod_may_write_has_a_bound(stack: str) -> None:
    unbounded = []
    for name, pod in pods(stack).items():
        of_claims = {v["name"] for v in pod.get("volumes", []) if "persistentVolumeClaim" in v}
        of_node = {v["name"] for v in pod.get("volumes", []) if "hostPath" in v}
        sized = {volume for volume, source in empty(pod).items() if "sizeLimit" in source}
        listed = {v["name"] for v in pod.get("volumes", [])}
        for each in containers(pod):
            limits = each["resources"]["limits"]
            # The root file system, where it can be written, and the logs.
            assert "ephemeral-storage" in limits, (name, each["name"])
            for mount in each.get("volumeMounts", []):
                volume = mount["name"]
                template = volume not in listed  # of a StatefulSet
                if mount.get("readOnly") or template or volume in of_claims | of_node | sized:
                    continue
                unbounded.append((name, each["name"], mount["mountPath"]))

    assert unbounded == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_limit_of_a_container_is_above_all_that_its_scratch_volumes_hold(stack: str) -> None:
    # The kubelet evicts the pod otherwise, and its volumes with it:
    # kubernetes v1.36.3, pkg/kubelet/eviction/eviction_manager.go:558-580.
    below = []
    for name, pod in pods(stack).items():
        volumes = empty(pod)
        for each in containers(pod):
            mounted = {m["name"] for m in each.get("volumeMounts", [])} & volumes.keys()
            limits = each["resources"]["limits"]
            for resource, in_memory in (("ephemeral-storage", False), ("memory", True)):
                held = sum(
                    parse(volumes[volume]["sizeLimit"])
                    for volume in mounted
                    if (volumes[volume].get("medium") == "Memory") is in_memory
                )
                if held and parse(limits[resource]) <= held:
                    below.append((name, each["name"], resource, limits[resource], held))

    assert below == []


@pytest.mark.parametrize("stack", STACKS)
def test_so_it_is_where_an_operator_makes_the_pods(stack: str) -> None:
    # cloudnative-pg v1.27.0, pkg/specs/volumes.go:306: `scratch-data` has the size `temporaryData`.
    for cluster in urns.asked_for(stack).of(_CLUSTER):
        spec = cluster.inputs["spec"]
        held = parse(spec["ephemeralVolumesSizeLimit"]["temporaryData"])
        assert parse(spec["resources"]["limits"]["ephemeral-storage"]) > held


@pytest.mark.parametrize("stack", STACKS)
def test_what_fills_with_use_is_sized_by_what_fills_it(stack: str) -> None:
    recorded = urns.asked_for(stack)
    qdrant = recorded.one("kubernetes:apps/v1:StatefulSet", "qdrant").inputs["spec"]
    [disk] = [c["spec"]["resources"]["requests"] for c in qdrant["volumeClaimTemplates"]]
    chat = recorded.one("kubernetes:apps/v1:Deployment", "open-webui").inputs["spec"]["template"]
    env = {e["name"]: e.get("value") for e in chat["spec"]["containers"][0]["env"]}

    # qdrant 1.19.0, lib/storage/src/content_manager/toc/temp_directories.rs:137 and 155: archives
    # of whole collections, uploaded or downloaded for recovery.
    assert empty(qdrant["template"]["spec"])["snapshots"]["sizeLimit"] == disk["storage"]
    # open_webui 0.11.4, config.py:151 and routers/files.py:97-108: uploads stay on disk otherwise.
    assert env["STORAGE_LOCAL_CACHE"] == "False"
