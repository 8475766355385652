"""How many servers over how many nodes is refused, in the very words that a person reads."""

from typing import Any

import pytest

from tests.unit.config.test_vllm_checks import said

WIDE: dict[str, Any] = {
    "replicas": 1,
    "model": "llama-3.1-405b",
    "dtype": "fp8",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "tensor_parallel": 8,
    "pipeline_parallel": 2,
    "concurrency": 1,
}
GROUPS = ("leader-worker-set",)


def about_spans(**changes: Any) -> list[str]:
    """What is said of chat on a pool of four nodes."""
    messages = said("chat", operators=GROUPS, nodes=4, **{**WIDE, **changes})
    return [message for message in messages if message.startswith("models.chat.")]


def test_a_server_over_whole_nodes_is_accepted() -> None:
    assert about_spans() == []


def test_a_server_over_nodes_needs_the_controller_of_groups() -> None:
    [message] = [m for m in said("chat", nodes=4, **WIDE) if m.startswith("models.chat.")]

    assert (
        message
        == """\
models.chat.tensor_parallel
    got:      needs leader-worker-set, since each server spans 2 nodes of pool h200
    allowed:  cluster.operators with leader-worker-set
    change:   Install it on the cluster and add leader-worker-set to cluster.operators."""
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"tensor_parallel": 4, "pipeline_parallel": 3},
            """\
models.chat.pipeline_parallel
    got:      12 GPUs per server (tensor_parallel 4 x pipeline_parallel 3), over 2 nodes
    allowed:  a multiple of 8, the GPUs of one node of pool h200: each node holds an equal part
    change:   Make tensor_parallel x pipeline_parallel 16.""",
            id="a-node-and-a-half",
        ),
        pytest.param(
            {"tensor_parallel": 16, "pipeline_parallel": 1},
            """\
models.chat.tensor_parallel
    got:      16 GPUs per server (tensor_parallel 16 x pipeline_parallel 1), over 2 nodes
    allowed:  a divisor of 8, the GPUs of one node of pool h200: nodes divide\
 the layers (pipeline_parallel), never a single layer
    change:   Set tensor_parallel: 8 and pipeline_parallel: 2.""",
            id="a-layer-cut-across-nodes",
        ),
    ],
)
def test_a_server_that_cannot_be_cut_into_nodes_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    assert message in about_spans(**changes)


def test_data_parallel_stays_on_one_node() -> None:
    changes = {
        "model": "qwen3-30b-a3b",
        "dtype": None,
        "revision": None,
        "pipeline_parallel": 1,
        "vllm": {"data_parallel": 2},
    }
    assert """\
models.chat.vllm.data_parallel
    got:      2, with 16 GPUs per server (tensor_parallel 8 x pipeline_parallel 1), over 2 nodes
    allowed:  at most 8 GPUs per server: data_parallel stays on one node
    change:   Lower tensor_parallel, pipeline_parallel or data_parallel.""" in about_spans(
        **changes
    )


def test_a_group_hands_over_no_kv_cache() -> None:
    split = {"prefill_replicas": 1, "routing": "prefix-aware"}

    assert """\
models.chat.vllm.prefill_replicas
    got:      1, with 16 GPUs per server (tensor_parallel 8 x pipeline_parallel 2), over 2 nodes
    allowed:  servers on one node each: servers that span nodes cannot transfer KV cache
    change:   Set prefill_replicas: 0, or lower tensor_parallel.""" in about_spans(vllm=split)


def test_an_autoscaled_model_needs_keda() -> None:
    assert """\
models.chat.autoscaling
    got:      needs keda, since KEDA scales it
    allowed:  cluster.operators with keda
    change:   Install it on the cluster and add keda to cluster.operators.""" in said(
        autoscaling={"max": 2}
    )


def test_replicas_and_autoscaling_are_not_given_together() -> None:
    assert said(operators=("keda",), autoscaling={"max": 2}) == [
        """\
models.chat.replicas
    got:      2, with autoscaling
    allowed:  one of the two: KEDA sets the number of servers
    change:   Remove replicas or autoscaling."""
    ]


def test_none_at_all_is_refused_since_nothing_holds_a_request_meanwhile() -> None:
    [message] = [m for m in said(autoscaling={"min": 0, "max": 2}) if ".min" in m]

    assert (
        message
        == """\
models.chat.autoscaling.min
    got:      0
    allowed:  at least 1: with no replica no vLLM reports requests, and nothing in this stack\
 queues a request until one is ready
    change:   Correct models.chat.autoscaling.min."""
    )


def test_bounds_that_leave_no_choice_are_refused() -> None:
    messages = said(autoscaling={"min": 3, "max": 2})

    assert any("min 3 below max 2; for a fixed number use `replicas`" in m for m in messages)


def test_the_pool_must_have_the_gpus_of_the_most_servers_there_may_be() -> None:
    [message] = [m for m in said(operators=("keda",), autoscaling={"max": 9}) if "pools" in m]

    assert "chat 18" in message


def test_servers_that_only_read_prompts_count_as_well() -> None:
    split = {"prefill_replicas": 7, "routing": "prefix-aware"}
    [message] = [m for m in said(vllm=split) if "pools" in m]

    assert "chat 18" in message
