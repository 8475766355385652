"""Pods without GPUs that do not fit the nodes without GPUs: refused, or told of."""

import copy
from typing import Any

import pytest
import yaml

from base.problems import ConfigError, Problem
from base.quantity import parse
from base.units import GIB
from config.checks.advice import advice
from config.checks.seats import seated
from config.load import load
from config.machines import OTHERS
from config.reference import KEY
from sim.nodes import node_objects
from sizing.seating import Needs, total
from tests import urns
from tests.paths import ROOT

LOCAL = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"][KEY]
HUGE = {
    "requests": {"cpu": "20", "memory": "8Gi"},
    "limits": {"cpu": "20", "memory": "16Gi"},
}


def stack(*machines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The local stack with *machines* beside its GPUs, and *changes*."""
    raw = copy.deepcopy(LOCAL)
    raw["cluster"]["nodes"] = [raw["cluster"]["nodes"][0], *machines]
    return raw | changes


def cpu(profile: str, count: int = 1) -> dict[str, Any]:
    return {"profile": profile, "count": count}


def refused(raw: dict[str, Any]) -> list[Problem]:
    try:
        load(raw, "local")
    except ConfigError as error:
        return list(error.problems)
    return []


def test_a_stack_without_a_node_for_them_is_refused() -> None:
    [problem] = refused(stack())

    assert problem == Problem(
        "cluster.nodes",
        "only nodes with GPUs, whose taint keeps off 20 pods that request 21 cores, 45 GiB of"
        " memory, 24.07 GiB of disk",
        "also nodes without GPUs",
        "Add 2 cpu-16 to cluster.nodes.",
    )


def test_more_than_the_nodes_offer_is_refused_with_what_to_lower_or_add() -> None:
    cores, memory = refused(stack(cpu("cpu-8")))

    assert cores == Problem(
        "cluster.nodes",
        "21 cores asked of 7 on the nodes without GPUs",
        "at most 7, the sum for pods of 1 x cpu-8",
        "Lower keycloak.resources.requests.cpu (2 x 2 cores), gateway.resources.requests.cpu (2 x 2"
        " cores) or qdrant.resources.requests.cpu (3 x 1 cores), or add 2 cpu-16 to cluster.nodes.",
    )
    assert memory.got == "45 GiB of memory asked of 30 on the nodes without GPUs"
    assert "qdrant.resources.requests.memory (3 x 4 GiB)" in memory.change


def test_more_pods_than_the_kubelets_take_are_refused() -> None:
    small = {"cpu": "1m", "memory": "1Mi", "ephemeral_storage": "1Mi"}
    resources = {"requests": small, "limits": {"cpu": "1", "memory": "1Gi"}}
    many = {"replicas": 100, "resources": resources}
    [problem] = refused(stack(cpu("cpu-16", 2), keycloak=many, gateway=many, router=many))

    assert problem.got == "314 pods asked of 220 on the nodes without GPUs"
    assert problem.change == (
        "Lower keycloak.replicas (100), router.replicas (100) or gateway.replicas (100), or add 2"
        " cpu-8 to cluster.nodes."
    )


def test_a_pod_that_no_node_has_room_for_is_refused_by_its_setting() -> None:
    [problem] = refused(stack(cpu("cpu-16", 4), gateway={"resources": HUGE}))

    assert problem == Problem(
        "gateway.resources.requests",
        "2 pods of 20 cores or more each (kong)",
        "at most 0 such pods, the room for them on 4 x cpu-16",
        "Lower gateway.resources.requests.cpu (2 x 20 cores).",
    )


def test_disks_of_nodes_count_too() -> None:
    scratch = {
        "requests": {"cpu": "1", "memory": "1Gi", "ephemeral_storage": "200Gi"},
        "limits": {"cpu": "1", "memory": "1Gi", "ephemeral_storage": "200Gi"},
    }
    [problem] = refused(stack(cpu("cpu-16", 2), router={"replicas": 3, "resources": scratch}))

    assert problem == Problem(
        "router.resources.requests",
        "3 pods of 200 GiB of disk or more each (router)",
        "at most 2 such pods, the room for them on 2 x cpu-16",
        "Lower router.resources.requests.ephemeral_storage (3 x 200 GiB), or add 2 cpu-16 to"
        " cluster.nodes.",
    )


@pytest.mark.parametrize(
    "raw",
    [
        stack(cpu("cpu-8")),
        stack(),
        stack(cpu("cpu-16"), qdrant={"nodes": 9}),
        stack(cpu("cpu-8", 3)),
        stack(cpu("cpu-16"), cpu("cpu-8")),
    ],
)
def test_what_it_says_to_add_is_enough(raw: dict[str, Any]) -> None:
    told = refused(raw) or advice(load(raw, "local"))
    [machines] = {each.change.split("add ")[-1].split("Add ")[-1] for each in told}
    count, profile = machines.removesuffix(" to cluster.nodes.").split()
    raw["cluster"]["nodes"].append(cpu(profile, 1 if count == "one" else int(count)))

    assert advice(load(raw, "local")) == []


def test_exactly_enough_is_accepted_and_told_of() -> None:
    """21 cores of 21: for the stack alone, which is never alone."""
    config = load(stack(cpu("cpu-8", 3)), "local")

    [told] = advice(config)
    assert told.path == "cluster.nodes"
    assert told.got.startswith("no room found for all pods without GPUs, which request 21 cores")
    assert told.change.endswith("or add one cpu-8 to cluster.nodes.")


def test_an_update_without_room_for_its_new_pod_is_told_of() -> None:
    large = {
        "requests": {"cpu": "8", "memory": "8Gi"},
        "limits": {"cpu": "8", "memory": "16Gi"},
    }
    config = load(stack(cpu("cpu-16", 4), gateway={"replicas": 4, "resources": large}), "local")

    [told] = advice(config)
    assert told.got == "no room found for one more pod of kong"


def test_a_machine_with_gpus_that_no_pool_has_takes_no_pods() -> None:
    [problem] = refused(stack(cpu("4xl40s-48gb"), cpu("cpu-8", 2)))

    assert problem.got == "21 cores asked of 14 on the nodes without GPUs"


@pytest.mark.parametrize("name", sorted(urns.files()))
def test_every_stack_has_room_for_all_of_its_pods_and_its_updates(name: str) -> None:
    config = load(yaml.safe_load(urns.files()[name].read_text())["config"][KEY], name)
    seats = seated(config)

    assert seats is not None
    assert total(seat.taken for seat in seats).cpu >= 21_000
    assert not [each for each in advice(config) if each.path == "cluster.nodes"]


@pytest.mark.parametrize("name", sorted(urns.files()))
def test_a_node_offers_what_it_does_in_the_simulation(name: str) -> None:
    config = load(yaml.safe_load(urns.files()[name].read_text())["config"][KEY], name)
    offered = {}
    for node in node_objects(config.cluster):
        if "taints" not in node["spec"]:
            found = node["status"]["allocatable"]
            cpu, memory, disk, most = (
                int(parse(found[key])) for key in ("cpu", "memory", "ephemeral-storage", "pods")
            )
            offered[node["metadata"]["name"]] = Needs(cpu * 1000, memory, disk, most)

    assert {seat.node: seat.offers for seat in seated(config) or ()} == offered


def test_the_cluster_s_own_pods_have_their_share() -> None:
    assert Needs(cpu=500, memory=GIB, disk=GIB, pods=10) == OTHERS
