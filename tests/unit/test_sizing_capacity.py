"""A stack's models on its pools."""

from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.gpus import gpu
from catalog.models import model
from sizing.capacity import Capacity, Pool, Service, capacity


def pool(nodes: int = 1, gpus_per_node: int = 8, card: str = "h200-141gb") -> Pool:
    return Pool(name="gpu", gpu=gpu(card), nodes=nodes, gpus_per_node=gpus_per_node)


def service(name: str = "chat", key: str = "qwen2.5-7b", **fields: Any) -> Service:
    return Service.model_validate(
        {"name": name, "model": model(key), "pool": "gpu", "context_tokens": 8192, **fields}
    )


def codes(found: Capacity) -> list[str]:
    return [problem.code for problem in found.problems]


def test_a_stack_that_fits_reports_gpus_used_and_headroom_and_no_problem() -> None:
    found = capacity(
        [pool()],
        [
            service("chat", "llama-3.3-70b", tp=2, replicas=2),
            service("code", "qwen2.5-coder-32b"),
        ],
    )
    assert found.problems == []
    (use,) = found.pools
    assert (use.gpu, use.gpus_used, use.gpus_available) == ("h200-141gb", 5, 8)
    assert [(fit.name, fit.gpus) for fit in found.services] == [("chat", 4), ("code", 1)]
    assert all(fit.fit.headroom_bytes > 0 for fit in found.services)


def test_a_model_too_big_for_its_gpus_is_told_how_many_it_needs_and_what_else_would_do() -> None:
    (problem,) = capacity([pool()], [service(key="llama-3.3-70b")]).problems
    assert problem.model_dump() == {
        "code": "does-not-fit",
        "subject": "service",
        "name": "chat",
        "field": "tp",
        "got": "156.1 GB on its GPU (weights 141.1, KV cache 2.7, overhead 12.3)",
        "allowed": "at most 138.7 GB: 0.92 of the 150.8 GB of h200-141gb",
        "remedy": "It needs 2 GPUs at least (tp: 2); no context fits on 1; "
        "as fp8 it fits as it is.",
    }


def test_a_context_that_is_too_long_for_the_memory_is_told_the_longest_that_fits() -> None:
    found = capacity(
        [pool(card="h100-80gb", gpus_per_node=1)],
        [service(key="elodie-32b", context_tokens=32_768)],
    )
    (problem,) = found.problems
    assert problem.code == "does-not-fit"
    assert problem.remedy.startswith("No number of GPUs in one node of pool gpu is enough")
    assert "the largest context that fits on 1 is 23 248 tokens" in problem.remedy


def test_too_much_concurrency_is_told_the_largest_that_fits() -> None:
    (problem,) = capacity(
        [pool(card="h100-80gb", gpus_per_node=1)],
        [service(key="elodie-32b", context_tokens=8192, concurrency=8)],
    ).problems
    assert "at 8 192 tokens the largest concurrency is 2" in problem.remedy


def test_a_context_that_the_model_does_not_know_is_refused() -> None:
    (problem,) = capacity([pool()], [service(context_tokens=65_536)]).problems
    assert (problem.code, problem.field) == ("context-too-long", "context_tokens")
    assert problem.allowed == "at most 32 768 tokens, what qwen2.5-7b knows"


def test_heads_that_cannot_be_cut_are_refused_with_the_sizes_that_can() -> None:
    (problem,) = capacity([pool()], [service(tp=3)]).problems
    assert (problem.code, problem.got) == ("heads-not-divisible", "3")
    assert problem.allowed.startswith("1, 2, 4:")
    assert problem.remedy == "Set it to 4."


def test_a_replica_wider_than_a_node_is_refused() -> None:
    found = capacity([pool(nodes=2, gpus_per_node=2)], [service(tp=2, pp=2)])
    assert codes(found) == ["replica-too-wide"]


def test_a_service_without_its_pool_is_refused_with_the_pools_there_are() -> None:
    found = capacity([pool()], [service(pool="gpus")])
    assert codes(found) == ["unknown-pool"]
    assert found.problems[0].allowed == "gpu"
    assert found.services == []


def test_a_pool_too_small_says_how_many_nodes_it_needs() -> None:
    (problem,) = capacity([pool(gpus_per_node=4)], [service(replicas=5)]).problems
    assert (problem.code, problem.subject, problem.name) == ("pool-too-small", "pool", "gpu")
    assert problem.got == "5 GPUs asked for (chat 5)"
    assert problem.remedy.startswith("Give the pool 2 nodes")


def test_replicas_that_would_have_to_be_split_between_nodes_are_refused() -> None:
    # Two nodes of three GPUs hold two pairs, not three, though six GPUs are there.
    nodes = pool(nodes=2, gpus_per_node=3)
    assert codes(capacity([nodes], [service(tp=2, replicas=2)])) == []
    assert codes(capacity([nodes], [service(tp=2, replicas=3)])) == ["pool-fragmented"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = capacity(
        [pool(gpus_per_node=2)],
        [
            service("chat", "llama-3.3-70b"),
            service("code", tp=3),
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


@given(
    st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=5),
    st.integers(1, 2),
    st.sampled_from([2, 4, 5]),
)
@example([1, 1, 4, 4], 2, 5)  # only the widest first finds a place for all
def test_replicas_are_called_fragmented_only_when_no_placement_exists(
    widths: list[int], nodes: int, gpus_per_node: int
) -> None:
    placeable = any(
        all(
            sum(width for width, at in zip(widths, nodes_of, strict=True) if at == node)
            <= gpus_per_node
            for node in range(nodes)
        )
        for nodes_of in product(range(nodes), repeat=len(widths))
    )
    found = capacity(
        [pool(nodes, gpus_per_node)],
        [service(f"s{i}", tp=width) for i, width in enumerate(widths)],
    )
    assert (found.problems == []) == placeable
