"""Weights, KV cache, and whether a model fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.architecture import Architecture
from catalog.gpus import gpu, gpus
from catalog.models import ModelSpec, WeightDtype, model, models
from sizing.kv import in_flight_tokens, kv_bytes, kv_bytes_per_token, stage_layers
from sizing.memory import KV_BLOCK_TOKENS, Fit, fit, tensor_parallel_sizes
from sizing.overhead import GIB, family_overhead
from sizing.parameters import parameters
from sizing.weights import (
    computed_weights_bytes,
    nominal_weights_bytes,
    weights_bytes,
    weights_bytes_per_gpu,
)
from tests.unit.sizing.architectures import architecture

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
    ("key", "dtype", "stated"),
    [
        ("llama-3.3-70b", "bf16", 141e9),  # `du` says 141G
        ("qwen2.5-72b", "bf16", 144e9),
        ("qwen2.5-72b", "fp8", 72e9),
        ("elodie-32b", "bf16", 64e9),
        ("kevina-32b", "bf16", 64e9),
        ("mistral-small-3.1-24b", "bf16", 48e9),
        ("deepseek-r1-distill-qwen-32b", "bf16", 64e9),
    ],
)
def test_the_nominal_weights_are_within_three_percent_of_usual_figures(
    key: str, dtype: WeightDtype, stated: float
) -> None:
    assert nominal_weights_bytes(model(key), dtype) == pytest.approx(stated, rel=0.03)


def test_72_gb_are_nominal_and_a_checkpoint_keeps_embeddings_at_16_bits() -> None:
    qwen = model("qwen2.5-72b")
    embeddings = 2 * architecture(qwen).vocab * architecture(qwen).hidden
    assert nominal_weights_bytes(qwen, "fp8") == qwen.parameters
    computed = computed_weights_bytes(qwen, "fp8")
    assert computed == pytest.approx(qwen.parameters + embeddings, rel=0.0005)
    assert computed == pytest.approx(75.2e9, rel=0.001)


def test_tied_embeddings_are_counted_once() -> None:
    qwen = model("qwen3-4b")
    kept = architecture(qwen).vocab * architecture(qwen).hidden
    assert weights_bytes(qwen, "fp8") == pytest.approx(qwen.parameters + kept, rel=0.0005)


def test_a_vision_tower_stays_at_16_bits_when_the_rest_is_quantized() -> None:
    mistral = model("mistral-small-3.1-24b")
    tower = mistral.unquantized_parameters or 0
    blind = mistral.model_copy(
        update={"unquantized_parameters": None, "parameters": mistral.parameters - tower}
    )
    assert weights_bytes(mistral, "int4") - weights_bytes(blind, "int4") == 2 * tower


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [
        ("int8", 8),
        ("int4", 4 + 20 / 128),  # a 16-bit scale and a 4-bit zero for 128
        ("nvfp4", 4.5),  # an 8-bit scale for 16
        ("fp8", 8 + 32 / 128**2),  # a 32-bit scale for a block of 128 x 128
    ],
)
def test_quantized_projections_carry_the_scales_of_their_groups(
    dtype: WeightDtype, bits: float
) -> None:
    llama = model("llama-3.1-405b")
    parts = parameters(architecture(llama))
    kept = 2 * (parts.embeddings + parts.vectors)
    quantized = (parts.attention + parts.mlp) * bits / 8
    assert computed_weights_bytes(llama, dtype) == pytest.approx(kept + quantized, abs=1)


def test_mxfp4_quantizes_the_experts_only() -> None:
    oss = model("gpt-oss-120b")
    experts = parameters(architecture(oss)).experts
    others = oss.parameters - experts
    assert computed_weights_bytes(oss, "mxfp4") == pytest.approx(
        experts * 4.25 / 8 + others * 2, abs=1
    )
    assert experts * 4.25 / 8 + others * 2 == pytest.approx(65_248_815_744, rel=1e-6)


def test_a_gguf_of_8_bits_quantizes_embeddings_too() -> None:
    qwen = model("qwen3-30b-a3b")
    assert computed_weights_bytes(qwen, "q8_0") == round(qwen.parameters * 8.5 / 8)


def test_what_is_published_goes_before_what_is_computed() -> None:
    llama = model("llama-3.3-70b")
    assert weights_bytes(llama, "fp8") == 72_669_954_704 != computed_weights_bytes(llama, "fp8")
    assert weights_bytes(llama, "int8") == computed_weights_bytes(llama, "int8")


def test_a_placeholder_is_taken_for_the_larger_of_what_is_said_and_what_is_computed() -> None:
    assert weights_bytes(model("elodie-32b"), "bf16") == 65_527_752_704


def test_a_checkpoint_stored_wider_than_it_is_served_tells_nothing_of_the_served_bytes() -> None:
    bge = model("bge-m3")  # stores 32 bits, is served at 16
    assert weights_bytes(bge, "fp32") == 2_271_145_830
    assert weights_bytes(bge, "fp16") == 2 * bge.parameters


def test_grouped_query_attention_caches_the_kv_heads_only() -> None:
    assert kv_bytes_per_token(architecture(model("qwen2.5-72b"))) == 2 * 80 * 8 * 128 * 2 == 327_680


def test_10_gb_of_cache_for_32k_tokens_on_one_h200() -> None:
    found = fit(model("qwen2.5-72b"), gpu("h200-141gb"), dtype="fp8", context_tokens=32_768)
    assert found.kv_bytes == 10_737_418_240
    assert found.fits
    assert found.per_gpu_bytes < 0.7 * found.gpu_bytes  # room for further models


def test_multi_head_attention_caches_every_head() -> None:
    assert kv_bytes_per_token(gpt2_like(kv_heads=12)) == 2 * 12 * 12 * 64 * 2


def test_multi_query_attention_caches_one_head() -> None:
    assert kv_bytes_per_token(gpt2_like(kv_heads=1)) == 2 * 12 * 64 * 2


def test_compressed_attention_caches_one_latent_whatever_the_tensor_parallelism() -> None:
    assert kv_bytes_per_token(DEEPSEEK_V3) == 61 * (512 + 64) * 2 == 70_272
    assert kv_bytes_per_token(DEEPSEEK_V3, tensor_parallel=8) == 70_272


def test_kv_heads_are_shared_out_and_replicated_when_there_are_more_gpus_than_heads() -> None:
    qwen = architecture(model("qwen3-30b-a3b"))  # 4 KV heads
    whole = kv_bytes_per_token(qwen)
    assert [
        whole // kv_bytes_per_token(qwen, tensor_parallel=tensor_parallel)
        for tensor_parallel in (1, 2, 4, 8)
    ] == [1, 2, 4, 4]


def test_an_fp8_cache_is_half_of_a_16_bit_one() -> None:
    arch = architecture(model("llama-3.3-70b"))
    assert kv_bytes_per_token(arch, "fp8") * 2 == kv_bytes_per_token(arch)


def test_an_encoder_has_no_cache_and_no_limit_of_concurrency() -> None:
    found = fit(model("bge-m3"), gpu("l4-24gb"), context_tokens=8192)
    assert (found.kv_bytes, found.max_concurrency, found.max_context_tokens) == (0, None, 8192)
    assert found.fits


def test_tensor_parallel_sizes_divide_the_heads_and_suit_the_kv_heads() -> None:
    assert tensor_parallel_sizes(architecture(model("qwen2.5-7b")), 8) == [1, 2, 4]  # 28 and 4
    assert tensor_parallel_sizes(architecture(model("qwen2.5-72b")), 8) == [
        1,
        2,
        4,
        8,
    ]  # 64 and 8
    assert tensor_parallel_sizes(architecture(model("elodie-32b")), 8) == [
        1,
        2,
        4,
        8,
    ]  # 40 and 8
    assert tensor_parallel_sizes(architecture(model("qwen3-30b-a3b")), 8) == [
        1,
        2,
        4,
        8,
    ]  # 32, 4
    assert tensor_parallel_sizes(gpt2_like(kv_heads=6), 12) == [1, 2, 3, 6, 12]  # 12, 6; not 4
    assert tensor_parallel_sizes(DEEPSEEK_V3, 8) == [1, 2, 4, 8]


def test_tensor_parallel_sizes_suit_the_groups_of_linear_layers_too() -> None:
    nemotron = architecture(model("nemotron-3-nano-30b-a3b"))  # 32 heads, 8 groups
    granite = architecture(model("granite-4.0-h-small"))  # 32 heads, a single group
    assert tensor_parallel_sizes(nemotron, 16) == [1, 2, 4, 8]
    assert tensor_parallel_sizes(granite, 16) == [1, 2, 4, 8, 16]


def test_pipeline_stages_are_those_of_vllm() -> None:
    assert stage_layers(80, 3) == [27, 27, 26]
    assert stage_layers(61, 4) == [15, 15, 16, 15]
    assert stage_layers(5, 3) == [2, 2, 1]


@given(st.integers(1, 200), st.integers(1, 16))
def test_pipeline_stages_share_out_every_layer_and_differ_by_one_at_most(
    layers: int, pipeline_parallel: int
) -> None:
    counts = stage_layers(layers, pipeline_parallel)
    assert (len(counts), sum(counts)) == (pipeline_parallel, layers)
    assert max(counts) - min(counts) <= 1


def test_the_fullest_pipeline_stage_is_what_counts() -> None:
    llama = model("llama-3.3-70b")  # 80 layers: stages of 27, 27, 26, embeddings at the ends
    whole = weights_bytes(llama, "bf16")
    embedding = 2 * architecture(llama).vocab * architecture(llama).hidden
    first = (whole - 2 * embedding) * 27 / 80 + embedding
    assert weights_bytes_per_gpu(llama, "bf16", pipeline_parallel=3) == pytest.approx(
        first, rel=1e-6
    )
    half = (whole - 2 * embedding) / 2 + embedding
    # Norms are on every GPU: two millionths.
    assert weights_bytes_per_gpu(
        llama, "bf16", tensor_parallel=2, pipeline_parallel=2
    ) == pytest.approx(half / 2, rel=1e-4)


def test_a_stage_in_the_middle_may_be_the_fullest_and_holds_no_embeddings() -> None:
    llama = model("llama-3.1-405b")  # 126 layers: stages of 31, 32, 32, 31
    parts = parameters(architecture(llama))
    middle = 2 * (parts.total - parts.embeddings) * 32 / 126
    assert weights_bytes_per_gpu(llama, "bf16", pipeline_parallel=4) == pytest.approx(
        middle, rel=1e-6
    )


def test_the_fullest_stage_of_a_pattern_is_the_one_with_the_most_full_layers() -> None:
    arch = Architecture(
        layers=4,
        layer_pattern="FFSS",
        window=16,
        hidden=8,
        intermediate=8,
        heads=1,
        kv_heads=1,
        head_dim=8,
        vocab=8,
        max_context=1024,
    )
    a_layer = 2 * 8 * 2
    assert kv_bytes(arch, 1000, pipeline_parallel=2) == a_layer * 2 * 1000
    assert kv_bytes(arch, 1000) == a_layer * (2 * 1000 + 2 * 16)


@pytest.mark.parametrize(
    ("card", "pipeline_parallel", "tokens"),
    [
        ("b200-180gb", 1, 32_768),
        ("h100-80gb", 1, 16_384),
        ("l40s-48gb", 1, 4_096),
        ("l40s-48gb", 3, 8_192),
    ],
)
def test_what_vllm_may_be_reading_depends_on_the_gpu_and_the_stages(
    card: str, pipeline_parallel: int, tokens: int
) -> None:
    assert in_flight_tokens(gpu(card).memory_bytes, pipeline_parallel) == tokens


def test_a_window_is_wider_for_the_one_sequence_that_is_being_read() -> None:
    gemma, card = model("gemma-3-27b"), gpu("h100-80gb")
    found = fit(gemma, card, dtype="fp8", context_tokens=32_768, concurrency=3)
    a_token = 2 * 16 * 128 * 2
    full, windowed = 10 * 32_768, 52 * 1_024
    assert found.kv_bytes == a_token * (3 * (full + windowed) + 52 * 16_384)
    one = a_token * (full + windowed)
    left = found.budget_bytes - found.weights_bytes - found.overhead_bytes
    assert found.max_concurrency == (left - a_token * 52 * 16_384) // one < left // one
    short = fit(gemma, card, dtype="fp8", context_tokens=1_024)
    assert short.kv_bytes == a_token * 62 * 1_024


def test_experts_are_dealt_out_whole_over_all_ranks_and_the_rest_by_tensor_parallelism() -> None:
    qwen = model("qwen3-30b-a3b")
    whole = weights_bytes_per_gpu(qwen, "bf16")
    experts = 2 * parameters(architecture(qwen)).experts
    rest = whole - experts
    eight = weights_bytes_per_gpu(
        qwen, "bf16", tensor_parallel=1, data_parallel=8, expert_parallel=True
    )
    assert eight == pytest.approx(rest + experts / 8, rel=1e-6)
    # 128 experts over 3 GPUs: one of them has 43.
    uneven = weights_bytes_per_gpu(
        qwen, "bf16", tensor_parallel=1, data_parallel=3, expert_parallel=True
    )
    assert uneven == pytest.approx(rest + experts * 43 / 128, rel=1e-6)
    assert weights_bytes_per_gpu(qwen, "bf16", data_parallel=3) == pytest.approx(
        rest + experts / 3, rel=1e-6
    )


def test_data_parallelism_replicates_a_dense_model_and_deals_out_the_sequences() -> None:
    llama, card = model("llama-3.1-8b"), gpu("h100-80gb")
    one = fit(llama, card, context_tokens=8192, concurrency=4)
    four = fit(llama, card, context_tokens=8192, concurrency=4, data_parallel=4)
    assert four.weights_bytes == one.weights_bytes
    assert four.kv_bytes * 4 == one.kv_bytes
    assert four.max_concurrency == 4 * (one.max_concurrency or 0)


def test_mlas_latents_are_on_every_gpu_and_its_heads_are_not() -> None:
    deepseek = model("deepseek-v3.1")
    parts = parameters(architecture(deepseek))
    assert parts.replicated == 62 * 7168 * (1536 + 512 + 64)
    eight = weights_bytes_per_gpu(deepseek, "fp8", tensor_parallel=8)
    assert eight > weights_bytes(deepseek, "fp8") / 8 + parts.replicated * 7 / 8


def test_a_card_that_is_shared_counts_as_the_memory_it_gives() -> None:
    class Slice:
        memory_bytes = 10 * GIB

    found = fit(model("qwen3-4b"), Slice(), dtype="fp8", context_tokens=4096)
    assert found.gpu_bytes == 10 * GIB


def test_speech_and_images_need_their_weights_and_what_they_work_with() -> None:
    whisper = model("whisper-large-v3")
    found = fit(whisper, gpu("l4-24gb"), context_tokens=1)
    assert found.per_gpu_bytes == 4521 * 1024**2  # what faster-whisper's benchmark measured
    assert (found.kv_bytes, found.max_context_tokens, found.max_concurrency) == (0, 0, None)
    assert tensor_parallel_sizes(whisper.architecture, 8) == [1]


def test_a_pipeline_stage_caches_its_own_layers() -> None:
    llama = model("llama-3.3-70b")
    one = fit(llama, gpu("h200-141gb"), tensor_parallel=4, context_tokens=8192)
    two = fit(llama, gpu("h200-141gb"), tensor_parallel=4, pipeline_parallel=2, context_tokens=8192)
    assert two.kv_bytes * 2 == one.kv_bytes


def test_the_overhead_is_the_larger_of_the_published_ones_and_tells_how_far_they_differ() -> None:
    assert family_overhead("dense", 0) == (round(5.56 * GIB), round((5.56 - 2.3) * GIB))
    assert family_overhead("moe", 0).bytes == round(7.38 * GIB)
    large = family_overhead("dense", 100 * GIB)
    assert large.bytes == pytest.approx(9.3 * GIB, rel=1e-9)
    assert large.uncertainty_bytes == pytest.approx((9.3 - 4.76) * GIB, rel=1e-9)
    assert family_overhead("encoder", GIB) == (round(2.37 * GIB), 0)


def test_a_70b_in_bf16_does_not_fit_one_h200_and_no_context_would() -> None:
    found = fit(model("llama-3.3-70b"), gpu("h200-141gb"), context_tokens=1024)
    assert not found.fits
    assert found.headroom_bytes < 0
    assert (found.max_context_tokens, found.max_concurrency) == (0, 0)


CACHING = [
    spec.architecture
    for spec in models().values()
    if spec.architecture and kv_bytes_per_token(spec.architecture)
]

FITS = st.builds(
    lambda spec, card, tensor_parallel, pipeline_parallel, context, concurrency: (
        (spec, card, tensor_parallel, pipeline_parallel, context, concurrency),
        fit(
            spec,
            card,
            tensor_parallel=tensor_parallel,
            pipeline_parallel=pipeline_parallel,
            context_tokens=context,
            concurrency=concurrency,
        ),
    ),
    st.sampled_from([spec for spec in models().values() if spec.architecture in CACHING]),
    st.sampled_from(list(gpus().values())),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 3]),
    st.integers(16, 200_000),
    st.integers(1, 64),
)


SHAPES = st.sampled_from([spec.architecture for spec in models().values() if spec.architecture])


@given(SHAPES, st.integers(1, 500_000), st.integers(1, 500_000), st.sampled_from([1, 2, 3, 4]))
def test_a_longer_sequence_never_holds_less(
    arch: Architecture, one: int, other: int, pipeline_parallel: int
) -> None:
    shorter, longer = sorted((one, other))
    assert kv_bytes(arch, shorter, pipeline_parallel=pipeline_parallel) <= kv_bytes(
        arch, longer, pipeline_parallel=pipeline_parallel
    )


@given(SHAPES, st.integers(1, 500_000), st.sampled_from([1, 2, 4, 8]))
def test_more_gpus_never_hold_more_and_at_best_their_share(
    arch: Architecture, context: int, tensor_parallel: int
) -> None:
    whole, cut = kv_bytes(arch, context), kv_bytes(arch, context, tensor_parallel=tensor_parallel)
    assert whole <= cut * tensor_parallel
    assert cut <= whole


@given(SHAPES, st.integers(1, 500_000))
def test_a_smaller_type_never_takes_more(arch: Architecture, context: int) -> None:
    sizes = [kv_bytes(arch, context, dtype) for dtype in ("fp8", "q8_0", "auto")]
    assert sizes == sorted(sizes)


@given(SHAPES, st.integers(1, 500_000))
def test_no_sequence_holds_more_than_every_layer_of_every_token_and_its_states(
    arch: Architecture, context: int
) -> None:
    states = kv_bytes(arch, 0)
    assert kv_bytes(arch, context) <= kv_bytes_per_token(arch) * context + states


@given(
    st.sampled_from(list(models().values())),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([1, 2, 3]),
)
def test_the_shares_of_all_gpus_are_never_less_than_the_whole(
    spec: ModelSpec, tensor_parallel: int, pipeline_parallel: int
) -> None:
    share = weights_bytes_per_gpu(spec, spec.serve_dtype, tensor_parallel, pipeline_parallel)
    whole = weights_bytes(spec, spec.serve_dtype)
    assert share * tensor_parallel * pipeline_parallel >= whole or spec.architecture is None
    assert share <= whole + 1


@given(FITS)
def test_the_longest_context_fits_and_a_block_more_does_not(
    case: tuple[tuple[ModelSpec, object, int, int, int, int], Fit],
) -> None:
    (spec, card, tensor_parallel, pipeline_parallel, _, concurrency), found = case

    def at(context: int) -> Fit:
        return fit(
            spec,
            card,  # type: ignore[arg-type]
            tensor_parallel=tensor_parallel,
            pipeline_parallel=pipeline_parallel,
            context_tokens=context,
            concurrency=concurrency,
        )

    longest = found.max_context_tokens
    if longest:
        assert at(longest).fits
    if longest < architecture(spec).max_context:
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
