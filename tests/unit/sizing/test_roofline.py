"""Upper bounds of speed, against sums done by hand from data sheets and config.json files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.gpus import GpuSpec, gpu, gpus
from catalog.models import ModelSpec, model, models
from sizing.roofline import distinct_experts, roofline

LANGUAGE = [spec for spec in models().values() if spec.architecture]
WRITERS = [
    spec for spec in LANGUAGE if spec.architecture and spec.architecture.attention != "encoder"
]

# Llama 3.3 70B. A layer: queries and output 8192 x 8192, keys and values 8192 x 1024, MLP three
# times 8192 x 28672: 855,638,016; eighty of them, and the head of 128,256 x 8192.
LLAMA_LAYERS = 80 * 855_638_016
LLAMA_HEAD = 1_050_673_152
LLAMA_KV = 2 * 80 * 8 * 128 * 2

# Qwen3 30B A3B. A layer: attention 18,874,368, router 2048 x 128, an expert 3 x 2048 x 768.
QWEN_ATTENTION, QWEN_ROUTER, QWEN_EXPERT = 18_874_368, 262_144, 4_718_592
QWEN_HEAD = 151_936 * 2048


def test_one_request_reads_every_weight_and_its_cache_for_each_token() -> None:
    bound = roofline(model("llama-3.3-70b"), gpu("h200-141gb"), context_tokens=32768)
    assert bound is not None
    read = 2 * (LLAMA_LAYERS + LLAMA_HEAD) + 32768 * LLAMA_KV
    assert bound.decode_tokens_per_second == pytest.approx(4.8e12 / read)
    assert bound.decode_tokens_per_second == pytest.approx(32.06, abs=0.01)
    assert bound.decode_limit == "bandwidth"


def test_a_prompt_is_multiplied_by_every_layer_and_not_by_the_head() -> None:
    bound = roofline(model("llama-3.3-70b"), gpu("h200-141gb"), context_tokens=32768)
    assert bound is not None
    # 1,979 TFLOPS with sparsity on the data sheet; half of it on dense matrices.
    assert bound.prefill_tokens_per_second == pytest.approx(989.5e12 / (2 * LLAMA_LAYERS))


def test_many_requests_are_held_back_by_arithmetic_instead() -> None:
    bound = roofline(model("llama-3.3-70b"), gpu("a100-80gb"), context_tokens=16, concurrency=1000)
    assert bound is not None
    assert bound.decode_limit == "arithmetic"
    multiplied = 2 * (LLAMA_LAYERS + LLAMA_HEAD)
    assert bound.decode_tokens_per_second == pytest.approx(312e12 / multiplied)
    assert bound.decode_tokens_per_second_per_request == pytest.approx(312e12 / multiplied / 1000)


def test_one_token_of_a_mixture_reads_the_experts_it_chose() -> None:
    bound = roofline(model("qwen3-30b-a3b"), gpu("h100-80gb"), context_tokens=1)
    assert bound is not None
    read = 48 * (QWEN_ATTENTION + QWEN_ROUTER + 8 * QWEN_EXPERT) + QWEN_HEAD
    cache = 2 * 48 * 4 * 128 * 2
    assert bound.decode_tokens_per_second == pytest.approx(3.35e12 / (2 * read + cache))
    # The card says 3.3B active, the input embeddings among them.
    assert read + QWEN_HEAD == pytest.approx(3.3e9, rel=0.02)


def test_more_tokens_touch_more_experts_until_all_are_touched() -> None:
    assert distinct_experts(128, 8, 1) == pytest.approx(8)
    assert distinct_experts(128, 8, 2) == pytest.approx(128 * (1 - (15 / 16) ** 2))
    assert distinct_experts(128, 8, 1000) == pytest.approx(128)


def test_a_card_without_fp8_reads_half_as_much_and_multiplies_at_16_bits() -> None:
    in_fp8 = roofline(model("llama-3.3-70b"), gpu("a100-80gb"), dtype="fp8", context_tokens=1)
    in_bf16 = roofline(model("llama-3.3-70b"), gpu("a100-80gb"), dtype="bf16", context_tokens=1)
    assert in_fp8 is not None
    assert in_bf16 is not None
    assert in_fp8.prefill_tokens_per_second == in_bf16.prefill_tokens_per_second
    assert in_fp8.decode_tokens_per_second == pytest.approx(
        2 * (in_bf16.decode_tokens_per_second or 0), rel=0.02
    )


def test_stages_help_many_requests_and_not_one() -> None:
    llama, card = model("llama-3.3-70b"), gpu("l40s-48gb")
    one, four = (
        roofline(
            llama, card, pipeline_parallel=pipeline_parallel, context_tokens=8192, concurrency=1
        )
        for pipeline_parallel in (1, 4)
    )
    assert one is not None
    assert four is not None
    assert four.decode_tokens_per_second == pytest.approx(one.decode_tokens_per_second)
    assert four.prefill_tokens_per_second == pytest.approx(4 * one.prefill_tokens_per_second)
    busy = roofline(llama, card, pipeline_parallel=4, context_tokens=8192, concurrency=4)
    assert busy is not None
    assert busy.decode_tokens_per_second == pytest.approx(4 * (one.decode_tokens_per_second or 0))


def test_an_embedding_model_writes_nothing() -> None:
    bound = roofline(model("bge-m3"), gpu("l4-24gb"), context_tokens=8192)
    assert bound is not None
    assert bound.prefill_tokens_per_second > 0
    assert bound.decode_tokens_per_second is None


def test_speech_and_images_have_no_tokens_to_count() -> None:
    spoken = model("qwen3-4b").model_copy(update={"architecture": None, "working_bytes": 1})
    assert roofline(spoken, gpu("l4-24gb"), context_tokens=1) is None


@given(
    st.sampled_from(WRITERS),
    st.sampled_from([*gpus().values()]),
    st.integers(1, 64),
    st.integers(1, 16384),
)
def test_a_bound_never_falls_with_requests_bandwidth_or_linked_gpus(
    spec: ModelSpec, card: GpuSpec, concurrency: int, context: int
) -> None:
    def bound(requests: int, on: GpuSpec, tensor_parallel: int) -> float:
        found = roofline(
            spec, on, tensor_parallel=tensor_parallel, context_tokens=context, concurrency=requests
        )
        assert found is not None
        assert found.decode_tokens_per_second is not None
        return found.decode_tokens_per_second * (1 + 1e-9)

    base = bound(concurrency, card, 1)
    assert bound(concurrency + 1, card, 1) >= base / (1 + 1e-9)
    assert bound(concurrency, card, 2) >= base / (1 + 1e-9)
    wider = {"bandwidth_bytes_per_second": 2 * card.bandwidth_bytes_per_second}
    assert bound(concurrency, card.model_copy(update=wider), 1) >= base / (1 + 1e-9)
