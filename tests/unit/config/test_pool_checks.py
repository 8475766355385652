"""What a stack's YAML may not ask of a GPU pool, in the words that a person reads."""

import copy
from typing import Any

import pytest
import yaml

from base.problems import ConfigError
from config.load import load
from config.reference import KEY
from tests.paths import ROOT

LOCAL = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"][KEY]
H100 = {"gpu": "h100-80gb", "nodes": 1, "gpus_per_node": 8}
OPENNEBULA = {
    "kind": "cluster-api",
    "cluster": "ai",
    "namespace": "default",
    "version": "v1.34.2",
    "opennebula": {"vm_template": "gpu"},
}
KARPENTER = {
    "kind": "karpenter",
    "node_class_group": "karpenter.k8s.aws",
    "node_class_kind": "EC2NodeClass",
    "node_class": "gpu",
    "instance_types": ["p5.48xlarge"],
}


def mig(**geometry: int) -> dict[str, Any]:
    return {"mode": "mig", "geometry": {k.replace("_", "."): v for k, v in geometry.items()}}


def stack(pool: dict[str, Any], model: dict[str, Any] | None = None) -> dict[str, Any]:
    """The local stack with one more pool, and one more small model on it."""
    raw = copy.deepcopy(LOCAL)
    raw["pools"]["more"] = {**H100, **pool}
    raw["models"]["extra"] = {
        "model": "bge-m3",
        "pool": "more",
        "context_tokens": 512,
        "gpu_memory_utilization": 0.3,
        **(model or {}),
    }
    raw["cluster"]["nodes"].append({"profile": "8xh100-80gb", "count": 1, "pool": "more"})
    return raw


def said(pool: dict[str, Any], model: dict[str, Any] | None = None) -> list[tuple[str, ...]]:
    """Field, value got, what is allowed, what to change: of all that is wrong."""
    try:
        load(stack(pool, model), "local")
    except ConfigError as error:
        return [(p.path, p.got, p.allowed, p.change) for p in error.problems]
    return []


@pytest.mark.parametrize(
    ("pool", "model"),
    [
        ({}, {}),
        ({"sharing": mig(**{"1g_10gb": 7})}, {"gpu_memory_utilization": 0.9}),
        (
            {"sharing": mig(**{"3g_40gb": 1, "1g_10gb": 4})},
            {"mig_profile": "3g.40gb"},
        ),
        ({"sharing": {"mode": "mps", "clients": 2}}, {"gpu_share": 0.4}),
        ({"sharing": {"mode": "time-slicing", "clients": 3}}, {}),
        ({"allocation": "dra"}, {}),
    ],
)
def test_what_a_card_and_its_drivers_can_do_is_accepted(
    pool: dict[str, Any], model: dict[str, Any]
) -> None:
    assert said(pool, model) == []


def test_more_instances_than_a_card_holds_are_refused_with_how_many_it_does() -> None:
    assert said({"sharing": mig(**{"1g_10gb": 8})}) == [
        (
            "pools.more.sharing.geometry",
            "1g.10gb: 8",
            (
                "instances that fit on h100-80gb at once, of 1g.10gb (up to 7), 1g.20gb (up to 4),"
                " 2g.20gb (up to 3), 3g.40gb (up to 2), 4g.40gb (up to 1), 7g.80gb (up to 1)"
            ),
            "1g.10gb: 8 is too many; at most 7 fit.",
        )
    ]


def test_instances_that_overlap_are_refused_with_what_fits() -> None:
    pool = {"sharing": mig(**{"3g_40gb": 2, "1g_10gb": 1})}
    [(field, got, _, change)] = said(pool, {"mig_profile": "1g.10gb"})

    assert (field, got) == ("pools.more.sharing.geometry", "3g.40gb: 2, 1g.10gb: 1")
    assert change.startswith("3g.40gb x2 + 1g.10gb x1 do not fit on h100-80gb at once")
    assert "Geometries that fit: 3g.40gb x1 + 1g.10gb x1, or 3g.40gb x2" in change


def test_the_profile_of_another_card_is_refused() -> None:
    [(_, got, _, change)] = said({"sharing": mig(**{"1g_18gb": 7})})

    assert got == "1g.18gb: 7"
    assert change.startswith("1g.18gb is not a profile of h100-80gb; use one of 1g.10gb")


def test_a_card_without_mig_is_not_cut() -> None:
    assert said({"gpu": "l40s-48gb", "sharing": mig(**{"1g_10gb": 1})}) == [
        (
            "pools.more.sharing.geometry",
            "1g.10gb: 1",
            "a GPU with MIG",
            "l40s-48gb does not support MIG. Use time-slicing or MPS.",
        )
    ]


def test_a_share_beyond_the_equal_part_is_refused() -> None:
    assert said({"sharing": {"mode": "mps", "clients": 4}}, {"gpu_share": 0.4}) == [
        (
            "models.extra.gpu_share",
            "0.4",
            ("at most 0.25, the equal share of 4 clients: an MPS client can take less, never more"),
            "Set it to 0.25 or less, or give pool more fewer clients.",
        )
    ]


def test_a_share_that_nothing_would_enforce_is_refused() -> None:
    assert said({"sharing": {"mode": "time-slicing", "clients": 2}}, {"gpu_share": 0.4}) == [
        (
            "models.extra.gpu_share",
            "0.4, on pool more (time-slicing)",
            "nothing, unless the pool shares its GPUs by MPS: only MPS enforces a share",
            "Remove it, or set sharing: {mode: mps, clients: 2} for the pool.",
        )
    ]


def test_a_model_says_which_kind_of_instance_where_there_are_several() -> None:
    pool = {"sharing": mig(**{"3g_40gb": 1, "1g_10gb": 4})}

    assert said(pool) == [
        (
            "models.extra.mig_profile",
            "nothing",
            "one of 1g.10gb, 3g.40gb: pool more has several MIG profiles",
            "Add models.extra.mig_profile.",
        )
    ]
    assert [field for field, *_ in said(pool, {"mig_profile": "2g.20gb"})] == [
        "models.extra.mig_profile"
    ]


def test_an_engine_that_takes_more_than_its_turn_of_the_memory_is_refused() -> None:
    """Nobody else's preview says it: time-slicing divides no memory."""
    pool = {"sharing": {"mode": "time-slicing", "clients": 4}}

    assert said(pool, {"gpu_memory_utilization": 0.9}) == [
        (
            "models.extra.gpu_memory_utilization",
            "0.9 of 85.5 GB",
            (
                "at most 0.24: 1/4 of h100-80gb, which 4 pods share (time-slicing), less 0.5 GiB"
                " for each pod's CUDA context; the engine sees the whole card"
            ),
            "Set it to 0.24 or less, or give pool more fewer clients.",
        )
    ]


def test_an_mps_client_is_held_to_the_share_it_asked_for() -> None:
    [(field, _, allowed, _)] = said(
        {"sharing": {"mode": "mps", "clients": 2}},
        {"gpu_share": 0.4, "gpu_memory_utilization": 0.45},
    )

    assert field == "models.extra.gpu_memory_utilization"
    assert allowed.startswith("at most 0.39: 0.4 of h100-80gb, which 2 pods share (mps)")


@pytest.mark.parametrize(
    "sharing",
    [mig(**{"1g_10gb": 7}), {"mode": "mps", "clients": 4}, {"mode": "time-slicing", "clients": 4}],
)
def test_parts_of_gpus_are_not_joined(sharing: dict[str, Any]) -> None:
    asked = {
        "model": "qwen3-4b",
        "tensor_parallel": 2,
        "context_tokens": 4096,
        "gpu_memory_utilization": 0.2,
    }

    assert (
        "models.extra.tensor_parallel",
        "2 GPU shares per replica (tensor_parallel 2 x pipeline_parallel 1)",
        (
            f"1, as GPUs of pool more are shared ({sharing['mode']}): tensor parallelism"
            " needs NCCL between whole GPUs"
        ),
        "Set it to 1, or name a pool with sharing: {mode: exclusive}.",
    ) in said({"sharing": sharing}, asked)


def test_an_older_driver_than_the_engine_has_cuda_for_is_refused() -> None:
    """There is a build of vLLM for R525 and newer, which is taken; for older ones there is none."""
    assert said({"driver": 570}) == []
    found = said({"gpu": "a100-80gb", "driver": 515})

    assert (
        "pools.more.driver",
        "515",
        "525 or newer, for models.extra: vllm v0.33.0-cu129 is built with CUDA 12.9",
        (
            "Install a driver of branch 525 or newer on the nodes and set driver to it, or choose"
            " an engine with an older CUDA."
        ),
    ) in found


def test_an_older_driver_than_the_card_needs_is_refused() -> None:
    found = said({"gpu": "b200-180gb", "driver": 550})

    assert ("pools.more.driver", "550") in [(field, got) for field, got, *_ in found]


def test_a_card_of_another_vendor_is_refused() -> None:
    [(field, got, allowed, _)] = said({"gpu": "mi300x-192gb"})

    assert (field, got) == ("pools.more.gpu", "mi300x-192gb")
    assert allowed.startswith("an NVIDIA GPU")


@pytest.mark.parametrize(
    ("pool", "field"),
    [
        (
            {"allocation": "dra", "sharing": {"mode": "mps", "clients": 2}},
            "pools.more.allocation",
        ),
        ({"allocation": "dra", "sharing": mig(**{"1g_10gb": 7})}, "pools.more.allocation"),
        ({"nodes_from": OPENNEBULA, "gpus_per_node": 3}, "pools.more.gpus_per_node"),
        (
            {"nodes_from": KARPENTER, "sharing": mig(**{"1g_10gb": 7})},
            "pools.more.sharing.mode",
        ),
        ({"nodes_from": KARPENTER}, "pools.more.nodes_from.kind"),
        ({"nodes_from": OPENNEBULA}, "pools.more.nodes_from.kind"),
        ({"operator": "already-there"}, "pools.more.operator"),
    ],
)
def test_what_does_not_go_together_is_refused_at_its_field(
    pool: dict[str, Any], field: str
) -> None:
    assert field in [problem[0] for problem in said(pool)]


def test_a_gpu_operator_needs_labels_that_the_owner_has_set() -> None:
    pool = {"operator": "already-there", "sharing": mig(**{"1g_10gb": 7})}
    raw = stack(pool, {"gpu_memory_utilization": 0.9})
    raw["cluster"]["operators"].append("gpu-operator")
    with pytest.raises(ConfigError) as refused:
        load(raw, "local")
    [problem] = refused.value.problems

    assert problem.path == "cluster.nodes"
    assert problem.change == (
        "Run `kubectl label nodes -l private-ai.dev/gpu-pool=more"
        " nvidia.com/device-plugin.config=more nvidia.com/mig.config=more`, and add these labels to"
        " cluster.nodes."
    )

    raw["cluster"]["nodes"][-1]["labels"] = {
        "nvidia.com/device-plugin.config": "more",
        "nvidia.com/mig.config": "more",
    }
    load(raw, "local")


@pytest.mark.parametrize(
    ("sharing", "path", "allowed"),
    [
        ({"mode": "mps", "clientz": 2}, "pools.more.sharing.clientz", "clients, mode"),
        ({"mode": "mps"}, "pools.more.sharing.clients", "Pods that share one GPU."),
        ({"mode": "mps", "clients": 1}, "pools.more.sharing.clients", "greater than or equal"),
        ({"mode": "halves"}, "pools.more.sharing.mode", "exclusive, time-slicing, mps, mig"),
    ],
)
def test_a_wrong_field_of_one_way_of_sharing_is_named_as_it_is_written(
    sharing: dict[str, Any], path: str, allowed: str
) -> None:
    found = {problem[0]: problem[2] for problem in said({"sharing": sharing})}

    assert allowed in found[path]
