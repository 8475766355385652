"""Machines that are not what a pool says, or too small for what may run on them."""

import copy
from typing import Any

import pytest
import yaml

from base.problems import ConfigError
from config.checks.advice import advice
from config.load import load
from config.reference import KEY
from tests.paths import ROOT

LOCAL = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"][KEY]
SLICES = {"mode": "mig", "geometry": {"1g.10gb": 7}}
H100 = {"gpu": "h100-80gb", "nodes": 1, "gpus_per_node": 8}


def stack(profile: str, pool: dict[str, Any], model: dict[str, Any] | None) -> dict[str, Any]:
    """The local stack with one more pool on one machine of *profile*."""
    raw = copy.deepcopy(LOCAL)
    raw["pools"]["more"] = pool
    raw["cluster"]["nodes"].append({"profile": profile, "count": 1, "pool": "more"})
    if model:
        small = {"model": "bge-m3", "pool": "more", "context_tokens": 512}
        raw["models"]["extra"] = {**small, **model}
    return raw


def said(
    profile: str, pool: dict[str, Any], model: dict[str, Any] | None = None
) -> list[tuple[str, ...]]:
    """What is wrong with that stack."""
    try:
        load(stack(profile, pool, model), "local")
    except ConfigError as error:
        return [(p.path, p.got, p.allowed, p.change) for p in error.problems]
    return []


@pytest.mark.parametrize("profile", ["4xl40s-48gb", "8xh200-141gb"])
def test_machines_with_other_gpus_than_their_pool_are_refused(profile: str) -> None:
    assert said(profile, H100) == [
        (
            "pools.more",
            "nodes with 8 GPUs of type h100-80gb",
            f"those of its machines in cluster.nodes: {profile}",
            "Correct gpu and gpus_per_node, or the profile of the machines.",
        )
    ]


def test_machines_with_fewer_gpus_than_their_pool_are_refused() -> None:
    [(path, *_)] = said("4xl40s-48gb", {"gpu": "l40s-48gb", "nodes": 1, "gpus_per_node": 8})
    assert path == "pools.more"


def test_a_card_that_no_machine_here_has_may_stand_on_any() -> None:
    assert said("8xh100-80gb", {"gpu": "b200-180gb", "nodes": 1, "gpus_per_node": 8}) == []


def test_more_servers_than_the_processors_of_a_node_are_refused() -> None:
    """56 slices of eight cards, each with a server that reserves 4 CPUs: the machine has 224."""
    pool = {**H100, "sharing": SLICES}
    assert said("8xh100-80gb", pool, {"replicas": 55}) == []
    assert said("8xh100-80gb", pool, {"replicas": 56}) == [
        (
            "pools.more",
            "servers that may request 224 CPUs on one node (extra)",
            "at most 222, the capacity of 8xh100-80gb for them",
            "Lower resources.requests.cpu of these models, or the clients per GPU.",
        )
    ]
    less = {"requests": {"cpu": "2", "memory": "8Gi"}, "limits": {"cpu": "16", "memory": "64Gi"}}
    assert said("8xh100-80gb", pool, {"replicas": 56, "resources": less}) == []


def test_servers_that_fit_beside_the_pool_s_own_pods_but_no_others_are_told_of() -> None:
    """The plugin and the exporter request 200m of 223 cores; others are assumed to, 500m."""
    pool = {**H100, "sharing": SLICES}

    def servers(cpu: str) -> dict[str, Any]:
        limits = {"cpu": "16", "memory": "64Gi"}
        requests = {"cpu": cpu, "memory": "8Gi"}
        return {"replicas": 56, "resources": {"requests": requests, "limits": limits}}

    assert said("8xh100-80gb", pool, servers("3978m")) == []  # 222.768
    [told] = advice(load(stack("8xh100-80gb", pool, servers("3978m")), "local"))
    assert told.path == "pools.more"
    assert told.got == "servers that may request 223 CPUs on one node (extra)"
    assert told.allowed == (
        "at most 222, the capacity of 8xh100-80gb for them beside pods of the cluster's own"
    )
    assert advice(load(stack("8xh100-80gb", pool, servers("3969m")), "local")) == []  # 222.264
    assert [path for path, *_ in said("8xh100-80gb", pool, servers("3979m"))] == ["pools.more"]


def test_more_servers_than_the_memory_of_a_node_are_refused() -> None:
    hungry = {
        "requests": {"cpu": "1", "memory": "600Gi"},
        "limits": {"cpu": "2", "memory": "600Gi"},
    }
    [(path, got, allowed, _)] = said("8xh100-80gb", H100, {"replicas": 4, "resources": hungry})
    assert path == "pools.more"
    assert got.startswith("servers that may request 24")
    assert allowed.startswith("at most 2045")
