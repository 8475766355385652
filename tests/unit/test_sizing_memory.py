"""Weights, KV cache, and whether a model fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.gpus import gpu, gpus
from catalog.models import Architecture, ModelSpec, WeightDtype, model, models
from sizing.memory import (
    KV_BLOCK_TOKENS,
    Fit,
    fit,
    kv_bytes_per_token,
    tensor_parallel_sizes,
    weights_bytes,
    weights_bytes_per_gpu,
)
from sizing.overhead import GIB, overhead_bytes

# DeepSeek-V3: config.json has 61 layers, kv_lora_rank 512, qk_rope_head_dim 64, 128 heads.
DEEPSEEK_V3 = Architecture(
    attention="mla",
    layers=61,
    hidden=7168,
    intermediate=2048,
    heads=128,
    kv_heads=128,
    head_dim=128,
    vocab=129280,
    experts=256,
    experts_per_token=8,
    kv_lora_rank=512,
    qk_rope_head_dim=64,
    max_context=163840,
)


def gpt2_like(kv_heads: int) -> Architecture:
    """A small architecture whose only question is how many KV heads it has."""
    return Architecture(
        layers=12,
        hidden=768,
        intermediate=3072,
        heads=12,
        kv_heads=kv_heads,
        head_dim=64,
        vocab=50257,
        max_context=1024,
    )


@pytest.mark.parametrize(
    ("key", "dtype", "published"),
    [
        ("llama-3.3-70b", "bf16", 141.1e9),  # the first seed: `du` says 141G
        ("llama-3.3-70b", "fp8", 72_669_954_704),  # bytes on disk of the FP8-dynamic checkpoint
        ("qwen2.5-72b", "bf16", 145e9),  # bytes on disk; the seeds say 144
        ("elodie-32b", "bf16", 64e9),  # the first seed
        ("mistral-small-3.1-24b", "bf16", 48e9),  # the first seed
        ("deepseek-r1-distill-qwen-32b", "bf16", 64e9),  # the first seed
        ("qwen2.5-coder-7b", "bf16", 15_242_805_878),  # bytes on disk with the tokenizer
    ],
)
def test_weights_are_within_three_percent_of_what_is_published(
    key: str, dtype: WeightDtype, published: float
) -> None:
    assert weights_bytes(model(key), dtype) == pytest.approx(published, rel=0.03)


def test_the_seeds_72_gb_are_the_quantised_layers_and_embeddings_stay_at_16_bits() -> None:
    qwen = model("qwen2.5-72b")
    embeddings = 2 * qwen.architecture.vocab * qwen.architecture.hidden
    in_fp8 = weights_bytes(qwen, "fp8")
    assert qwen.parameters * 1 == pytest.approx(72e9, rel=0.03)
    assert in_fp8 == qwen.parameters + embeddings
    assert in_fp8 == pytest.approx(75.2e9, rel=0.001)


def test_tied_embeddings_are_counted_once() -> None:
    qwen = model("qwen3-4b")
    kept = qwen.architecture.vocab * qwen.architecture.hidden
    assert weights_bytes(qwen, "fp8") == qwen.parameters + kept


def test_a_vision_tower_stays_at_16_bits_when_the_rest_is_quantised() -> None:
    mistral = model("mistral-small-3.1-24b")
    text_only = mistral.model_copy(update={"unquantised_parameters": None})
    extra = weights_bytes(mistral, "fp8") - weights_bytes(text_only, "fp8")
    assert extra == mistral.unquantised_parameters


def test_four_bits_carry_the_scales_of_their_groups() -> None:
    qwen = model("qwen2.5-72b")
    kept = 2 * qwen.architecture.vocab * qwen.architecture.hidden
    layers = weights_bytes(qwen, "int4") - 2 * kept
    assert layers == pytest.approx((qwen.parameters - kept) * 4.15625 / 8, rel=1e-9)


def test_grouped_query_attention_caches_the_kv_heads_only() -> None:
    assert kv_bytes_per_token(model("qwen2.5-72b").architecture) == 2 * 80 * 8 * 128 * 2 == 327_680


def test_the_seeds_10_gb_of_cache_for_32k_tokens_on_one_h200() -> None:
    found = fit(model("qwen2.5-72b"), gpu("h200-141gb"), dtype="fp8", context_tokens=32_768)
    assert found.kv_bytes == 10_737_418_240
    assert found.fits
    assert found.per_gpu_bytes < 0.7 * found.gpu_bytes  # room for the seed's further models


def test_multi_head_attention_caches_every_head() -> None:
    assert kv_bytes_per_token(gpt2_like(kv_heads=12)) == 2 * 12 * 12 * 64 * 2


def test_multi_query_attention_caches_one_head() -> None:
    assert kv_bytes_per_token(gpt2_like(kv_heads=1)) == 2 * 12 * 64 * 2


def test_compressed_attention_caches_one_latent_whatever_the_tensor_parallelism() -> None:
    assert kv_bytes_per_token(DEEPSEEK_V3) == 61 * (512 + 64) * 2 == 70_272
    assert kv_bytes_per_token(DEEPSEEK_V3, tp=8) == 70_272


def test_kv_heads_are_shared_out_and_replicated_when_there_are_more_gpus_than_heads() -> None:
    qwen = model("qwen3-30b-a3b").architecture  # 4 KV heads
    whole = kv_bytes_per_token(qwen)
    assert [whole // kv_bytes_per_token(qwen, tp=tp) for tp in (1, 2, 4, 8)] == [1, 2, 4, 4]


def test_an_fp8_cache_is_half_of_a_16_bit_one() -> None:
    arch = model("llama-3.3-70b").architecture
    assert kv_bytes_per_token(arch, "fp8") * 2 == kv_bytes_per_token(arch)


def test_an_encoder_has_no_cache_and_no_limit_of_concurrency() -> None:
    found = fit(model("bge-m3"), gpu("l4-24gb"), context_tokens=8192)
    assert (found.kv_bytes, found.max_concurrency, found.max_context_tokens) == (0, None, 8192)
    assert found.fits


def test_tensor_parallel_sizes_divide_the_heads_and_suit_the_kv_heads() -> None:
    assert tensor_parallel_sizes(model("qwen2.5-7b").architecture, 8) == [1, 2, 4]  # 28 and 4
    assert tensor_parallel_sizes(model("qwen2.5-72b").architecture, 8) == [1, 2, 4, 8]  # 64 and 8
    assert tensor_parallel_sizes(model("elodie-32b").architecture, 8) == [1, 2, 4, 8]  # 40 and 8
    assert tensor_parallel_sizes(model("qwen3-30b-a3b").architecture, 8) == [1, 2, 4, 8]  # 32, 4
    assert tensor_parallel_sizes(gpt2_like(kv_heads=6), 12) == [1, 2, 3, 6, 12]  # 12, 6; not 4
    assert tensor_parallel_sizes(DEEPSEEK_V3, 8) == [1, 2, 4, 8]


def test_the_fullest_pipeline_stage_is_what_counts() -> None:
    llama = model("llama-3.3-70b")  # 80 layers: stages of 27, 27, 26
    whole = weights_bytes(llama, "bf16")
    assert weights_bytes_per_gpu(llama, "bf16", pp=3) == pytest.approx(whole * 27 / 80, abs=1)
    assert weights_bytes_per_gpu(llama, "bf16", tp=2, pp=2) == pytest.approx(whole / 4, abs=1)


def test_a_pipeline_stage_caches_its_own_layers() -> None:
    llama = model("llama-3.3-70b")
    one = fit(llama, gpu("h200-141gb"), tp=4, context_tokens=8192)
    two = fit(llama, gpu("h200-141gb"), tp=4, pp=2, context_tokens=8192)
    assert two.kv_bytes * 2 == one.kv_bytes


def test_the_overhead_is_the_larger_of_the_published_ones() -> None:
    assert overhead_bytes("dense", 0) == round(5.56 * GIB)
    assert overhead_bytes("moe", 0) == round(7.38 * GIB)
    assert overhead_bytes("dense", 100 * GIB) == pytest.approx(9.3 * GIB, rel=1e-9)
    assert overhead_bytes("encoder", GIB) == pytest.approx(2.37 * GIB, rel=1e-9)


def test_a_70b_in_bf16_does_not_fit_one_h200_and_no_context_would() -> None:
    found = fit(model("llama-3.3-70b"), gpu("h200-141gb"), context_tokens=1024)
    assert not found.fits
    assert found.headroom_bytes < 0
    assert (found.max_context_tokens, found.max_concurrency) == (0, 0)


FITS = st.builds(
    lambda spec, card, tp, pp, context, concurrency: (
        (spec, card, tp, pp, context, concurrency),
        fit(spec, card, tp=tp, pp=pp, context_tokens=context, concurrency=concurrency),
    ),
    st.sampled_from([spec for spec in models().values() if spec.family != "encoder"]),
    st.sampled_from(list(gpus().values())),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 3]),
    st.integers(16, 200_000),
    st.integers(1, 64),
)


@given(FITS)
def test_the_longest_context_fits_and_a_block_more_does_not(
    case: tuple[tuple[ModelSpec, object, int, int, int, int], Fit],
) -> None:
    (spec, card, tp, pp, _, concurrency), found = case

    def at(context: int) -> Fit:
        return fit(
            spec,
            card,  # type: ignore[arg-type]
            tp=tp,
            pp=pp,
            context_tokens=context,
            concurrency=concurrency,
        )

    longest = found.max_context_tokens
    if longest:
        assert at(longest).fits
    if longest < spec.architecture.max_context:
        assert not at(longest + KV_BLOCK_TOKENS).fits


@given(FITS)
def test_what_fits_has_headroom_and_room_for_the_concurrency_asked(
    case: tuple[tuple[ModelSpec, object, int, int, int, int], Fit],
) -> None:
    (_, _, _, _, _, concurrency), found = case
    assert found.fits == (found.headroom_bytes >= 0)
    assert found.max_concurrency is not None
    assert found.fits == (found.max_concurrency >= concurrency)
    parts = found.weights_bytes + found.kv_bytes + found.overhead_bytes
    assert found.per_gpu_bytes == parts == found.budget_bytes - found.headroom_bytes
