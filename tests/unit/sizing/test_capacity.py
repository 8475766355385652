"""A stack's models on its pools."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from base.problems import Problem
from catalog.gpus import gpu, gpus
from catalog.models import model
from sizing.capacity import Capacity, Pool, Service, capacity
from sizing.devices import CONTEXT_BYTES, devices, narrowed
from sizing.sharing import Mig, Mps, Sharing, TimeSlicing


def pool(nodes: int = 1, gpus_per_node: int = 8, card: str = "h200-141gb") -> Pool:
    return Pool(name="gpu", gpu=gpu(card), nodes=nodes, gpus_per_node=gpus_per_node)


def service(name: str = "chat", key: str = "qwen2.5-7b", **fields: Any) -> Service:
    return Service.model_validate(
        {"name": name, "model": model(key), "pool": "gpu", "context_tokens": 8192, **fields}
    )


def codes(found: Capacity) -> list[str]:
    return [problem.code for problem in found.problems]


def only(found: Capacity) -> tuple[str, Problem]:
    """The code and the parts of the one problem there is."""
    (problem,) = found.problems
    return problem.code, problem.problem


def test_a_stack_that_fits_reports_gpus_used_and_headroom_and_no_problem() -> None:
    found = capacity(
        [pool()],
        [
            service("chat", "llama-3.3-70b", tensor_parallel=2, replicas=2),
            service("code", "qwen2.5-coder-32b"),
        ],
    )
    assert found.problems == []
    (use,) = found.pools
    assert (use.gpu, use.gpus_used, use.gpus_available) == ("h200-141gb", 5, 8)
    assert [(fit.name, fit.gpus) for fit in found.services] == [("chat", 4), ("code", 1)]
    assert all(fit.fit.headroom_bytes > 0 for fit in found.services)


def test_a_model_too_big_for_its_gpus_is_told_how_many_it_needs_and_what_else_would_do() -> None:
    code, problem = only(capacity([pool()], [service(key="llama-3.3-70b")]))
    assert (code, problem) == (
        "does-not-fit",
        Problem(
            "models.chat.tensor_parallel",
            "156.1 GB on its GPU (weights 141.1, KV cache 2.7, overhead 12.3)",
            "at most 138.7 GB: 0.92 of the 150.8 GB of h200-141gb",
            "It needs at least 2 GPUs (tensor_parallel: 2); on 1 no context fits; with dtype fp8 it"
            " fits unchanged.",
        ),
    )


def test_a_context_that_is_too_long_for_the_memory_is_told_the_longest_that_fits() -> None:
    found = capacity(
        [pool(card="h100-80gb", gpus_per_node=1)],
        [service(key="elodie-32b", context_tokens=32_768)],
    )
    code, problem = only(found)
    assert code == "does-not-fit"
    assert problem.change.startswith("No number of GPUs in one node of pool gpu is enough")
    assert "on 1 the longest context that fits is 23 248 tokens" in problem.change


def test_too_much_concurrency_is_told_the_largest_that_fits() -> None:
    code, problem = only(
        capacity(
            [pool(card="h100-80gb", gpus_per_node=1)],
            [service(key="elodie-32b", context_tokens=8192, concurrency=8)],
        )
    )
    assert code == "does-not-fit"
    assert "at 8 192 tokens the largest concurrency is 2" in problem.change


def test_a_context_that_the_model_does_not_know_is_refused() -> None:
    code, problem = only(capacity([pool()], [service(context_tokens=65_536)]))
    assert (code, problem.path) == ("context-too-long", "models.chat.context_tokens")
    assert problem.allowed == "at most 32 768 tokens, the context length of qwen2.5-7b"


def test_heads_that_cannot_be_cut_are_refused_with_the_sizes_that_can() -> None:
    code, problem = only(capacity([pool()], [service(tensor_parallel=3)]))
    assert (code, problem.got) == ("heads-not-divisible", "3")
    assert problem.allowed.startswith("1, 2, 4:")
    assert problem.change == "Set it to 4."


def test_a_replica_wider_than_its_whole_pool_is_refused() -> None:
    wide = service(tensor_parallel=2, pipeline_parallel=2)
    first, *_ = capacity([pool(nodes=1, gpus_per_node=2)], [wide]).problems
    code, problem = first.code, first.problem
    assert (code, problem.got) == (
        "replica-too-wide",
        "4 GPUs per replica (tensor_parallel 2 x pipeline_parallel 2)",
    )
    assert problem.allowed == "at most 2, the GPUs of pool gpu (1 nodes x 2)"


def test_a_replica_wider_than_a_node_takes_equal_parts_of_several() -> None:
    wide = service(tensor_parallel=2, pipeline_parallel=2)
    assert codes(capacity([pool(nodes=2, gpus_per_node=2)], [wide])) == []
    # Each of its two halves wants a whole node, and one is begun.
    other = service("other")
    assert codes(capacity([pool(nodes=2, gpus_per_node=2)], [wide, other])) == ["pool-too-small"]
    assert codes(capacity([pool(nodes=2, gpus_per_node=3)], [wide, other])) == []
    # One node may get the first half, the other both of the others.
    others = service("other", replicas=2)
    assert codes(capacity([pool(nodes=2, gpus_per_node=3)], [wide, others])) == ["pool-fragmented"]
    uneven = service("uneven", tensor_parallel=2)
    assert codes(capacity([pool(nodes=2, gpus_per_node=3)], [wide, uneven])) == ["pool-fragmented"]


MIG = Mig(mode="mig", geometry={"1g.18gb": 4, "3g.71gb": 1})
SMALL: dict[str, Any] = {"key": "bge-m3", "context_tokens": 8192, "gpu_memory_utilization": 0.9}


def test_instances_are_counted_by_their_kind() -> None:
    cut = pool(nodes=1, gpus_per_node=2).model_copy(update={"sharing": MIG})
    found = capacity(
        [cut],
        [
            service("a", mig_profile="1g.18gb", replicas=8, **SMALL),
            service("b", mig_profile="3g.71gb", replicas=3, **SMALL),
        ],
    )
    code, problem = only(found)
    assert code == "pool-too-small"
    assert problem.got == "3 3g.71gb instances requested (b 3)"
    assert problem.allowed == "at most 2 (1 nodes x 2)"
    (use,) = found.pools
    assert {d.resource: (d.used, d.available) for d in use.devices} == {
        "nvidia.com/mig-1g.18gb": (8, 8),
        "nvidia.com/mig-3g.71gb": (3, 2),
    }


def test_a_model_has_the_memory_of_its_instance_and_no_more() -> None:
    cut = pool(gpus_per_node=1).model_copy(
        update={"sharing": Mig(mode="mig", geometry={"1g.18gb": 7})}
    )
    large = service(key="qwen2.5-7b", gpu_memory_utilization=0.9, mig_profile="1g.18gb")
    code, problem = only(capacity([cut], [large]))
    assert code == "does-not-fit"
    # 16384 MiB, as nvidia-smi prints the smallest instance of an H200.
    assert problem.allowed == "at most 15.5 GB: 0.9 of the 17.2 GB of 1g.18gb of h200-141gb"
    assert problem.change.startswith("A GPU share of pool gpu is not enough")


@pytest.mark.parametrize(
    "mode", [Mps(mode="mps", clients=4), TimeSlicing(mode="time-slicing", clients=4)]
)
def test_shares_of_a_card_are_counted_and_add_up_to_cards(mode: Sharing) -> None:
    shared = pool(nodes=2, gpus_per_node=2).model_copy(update={"sharing": mode})
    few = service("few", "bge-m3", replicas=6, gpu_memory_utilization=0.2)
    found = capacity([shared], [few])
    assert found.problems == []
    (use,) = found.pools
    assert [(d.resource, d.used, d.available) for d in use.devices] == [
        ("nvidia.com/gpu.shared", 6, 16)
    ]
    assert (use.gpus_used, use.gpus_available) == (1.5, 4)


@given(st.integers(2, 48), st.sampled_from(sorted(gpus())))
def test_what_all_clients_of_a_card_may_take_fits_on_it_with_their_contexts(
    clients: int, card: str
) -> None:
    (device,) = devices(gpu(card), 1, TimeSlicing(mode="time-slicing", clients=clients))
    taken = clients * (device.max_utilization * device.visible_bytes + CONTEXT_BYTES.value)
    # A card too small for so many contexts leaves its clients nothing at all.
    assert taken <= device.visible_bytes or device.max_utilization == 0


def test_a_client_that_takes_less_than_its_part_may_use_less() -> None:
    (device,) = devices(gpu("l40s-48gb"), 1, Mps(mode="mps", clients=2))
    assert (device.max_utilization, narrowed(device, 0.4).max_utilization) == (0.48, 0.38)
    assert narrowed(device, 0.4).memory_bytes == int(gpu("l40s-48gb").memory_bytes * 0.4)


def test_a_service_without_its_pool_is_refused_with_the_pools_there_are() -> None:
    found = capacity([pool()], [service(pool="gpus")])
    assert codes(found) == ["unknown-pool"]
    assert found.problems[0].problem.allowed == "gpu"
    assert found.services == []


def test_a_pool_too_small_says_how_many_nodes_it_needs() -> None:
    code, problem = only(capacity([pool(gpus_per_node=4)], [service(replicas=5)]))
    assert (code, problem.path) == ("pool-too-small", "pools.gpu.nodes")
    assert problem.got == "5 GPUs requested (chat 5)"
    assert problem.change == "Set nodes to 2, or remove replicas or models that take 1 GPUs."


def test_replicas_that_would_have_to_be_split_between_nodes_are_refused() -> None:
    # Two nodes of three GPUs hold two pairs, not three, though six GPUs are there.
    nodes = pool(nodes=2, gpus_per_node=3)
    assert codes(capacity([nodes], [service(tensor_parallel=2, replicas=2)])) == []
    assert codes(capacity([nodes], [service(tensor_parallel=2, replicas=3)])) == ["pool-fragmented"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = capacity(
        [pool(gpus_per_node=2)],
        [
            service("chat", "llama-3.3-70b"),
            service("code", tensor_parallel=3),
            service("lost", pool="nowhere"),
        ],
    )
    assert codes(found) == [
        "does-not-fit",
        "heads-not-divisible",
        "unknown-pool",
        "pool-too-small",
    ]


@pytest.mark.parametrize("utilization", [0.5, 0.92])
def test_the_budget_is_the_share_of_memory_that_the_engine_may_use(utilization: float) -> None:
    (found,) = capacity([pool()], [service(gpu_memory_utilization=utilization)]).services
    assert found.fit.budget_bytes == int(found.fit.gpu_bytes * utilization)


@given(st.data())
def test_pods_of_an_accepted_pool_find_room_in_any_order_and_wherever_others_are(
    data: st.DataObject,
) -> None:
    nodes, per_node = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([2, 4, 5, 8]))
    widths = data.draw(st.lists(st.integers(1, per_node), min_size=1, max_size=8))
    services = [service(f"s{i}", tensor_parallel=width) for i, width in enumerate(widths)]
    found = capacity([pool(nodes, per_node)], services)
    assume(not {"pool-too-small", "pool-fragmented"} & set(codes(found)))
    free = [per_node] * nodes
    for width in data.draw(st.permutations(widths)):
        room = [node for node, left in enumerate(free) if left >= width]
        assert room
        free[data.draw(st.sampled_from(room))] -= width


@given(st.sampled_from([1, 2, 3, 4]), st.integers(1, 12), st.integers(1, 3))
def test_pods_of_one_width_are_refused_only_when_they_cannot_all_be_there(
    width: int, count: int, nodes: int
) -> None:
    found = capacity([pool(nodes, 5)], [service(tensor_parallel=width, replicas=count)])
    refused = {"pool-too-small", "pool-fragmented"} & set(codes(found))
    assert bool(refused) == (count > nodes * (5 // width))


def test_a_wide_pod_that_narrow_ones_can_keep_out_is_told_with_what_would_do() -> None:
    wide, narrow = (
        service("wide", "llama-3.3-70b", tensor_parallel=8),
        service("narrow", replicas=2),
    )
    code, problem = only(capacity([pool(nodes=2)], [wide, narrow]))
    assert code == "pool-fragmented"
    assert problem.got == (
        "10 GPUs requested (wide 8, narrow 2), 8 of them by one pod on one node, while other pods"
        " hold 2"
    )
    assert problem.allowed.startswith("at most 1 GPUs for the other pods")
    assert problem.change == "Set nodes to 3, or give the widest model a pool of its own."
    assert codes(capacity([pool(nodes=3)], [wide, narrow])) == []
