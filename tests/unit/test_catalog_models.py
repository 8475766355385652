"""The models and GPUs of the catalog."""

import pytest
from pydantic import ValidationError

from catalog.gpus import gpu, gpus
from catalog.load import UnknownEntryError
from catalog.models import Architecture, ModelSpec, model, models

DECODERS = [spec for spec in models().values() if spec.architecture.attention != "encoder"]


def added_up(arch: Architecture) -> set[int]:
    """Parameters of a decoder with a gated MLP.

    Three sums, for what config.json does not say: nothing more than the norms (Llama, Mistral), a
    bias on queries, keys and values (Qwen2), or norms of queries and keys (Qwen3).
    """
    attention = 2 * arch.hidden * arch.head_dim * (arch.heads + arch.kv_heads)
    mlp = 3 * arch.hidden * arch.intermediate * max(1, arch.experts) + arch.hidden * arch.experts
    norms = 2 * arch.hidden
    embeddings = arch.vocab * arch.hidden * (1 if arch.tied_embeddings else 2)
    bias = (arch.heads + 2 * arch.kv_heads) * arch.head_dim
    return {
        arch.layers * (attention + mlp + norms + more) + embeddings + arch.hidden
        for more in (0, bias, 2 * arch.head_dim)
    }


@pytest.mark.parametrize("spec", DECODERS, ids=lambda spec: spec.key)
def test_the_parameters_of_every_decoder_are_exactly_what_its_architecture_adds_up_to(
    spec: ModelSpec,
) -> None:
    beside_the_decoder = spec.unquantised_parameters or 0
    assert spec.parameters - beside_the_decoder in added_up(spec.architecture)


def test_the_models_and_gpus_of_the_seeds_are_there() -> None:
    assert {
        "elodie-32b",
        "kevina-32b",
        "mistral-small-3.1-24b",
        "llama-3.3-70b",
        "qwen2.5-72b",
        "deepseek-r1-distill-qwen-32b",
        "qwen2.5-coder-32b",
        "qwen3-30b-a3b",
        "bge-m3",
        "bge-reranker-v2-m3",
        "nomic-embed-text-v1.5",
    } <= set(models())
    assert {"h200-141gb", "h100-80gb", "a100-80gb", "l40s-48gb", "rtx6000ada-48gb"} <= set(gpus())


def test_a_model_without_a_public_repository_is_marked_as_a_placeholder() -> None:
    assert {spec.key for spec in models().values() if spec.placeholder} == {
        "elodie-32b",
        "kevina-32b",
    }


def test_a_gpu_has_less_memory_than_its_name_says_in_binary_units_and_more_than_nine_tenths() -> (
    None
):
    for spec in gpus().values():
        named = int(spec.key.rsplit("-", 1)[1].removesuffix("gb")) * 1024**3
        assert 0.9 * named < spec.memory_bytes <= named


def test_fp8_tensor_cores_come_with_compute_capability_8_9() -> None:
    assert {spec.key for spec in gpus().values() if not spec.fp8} == {"a100-80gb"}
    for spec in gpus().values():
        major, minor = spec.compute_capability.split(".")
        assert spec.fp8 == ((int(major), int(minor)) >= (8, 9))


def test_an_unknown_model_is_refused_with_the_nearest_key_and_every_allowed_one() -> None:
    with pytest.raises(UnknownEntryError) as refused:
        model("llama-3.3-70")
    assert refused.value.got == "llama-3.3-70"
    assert refused.value.allowed == sorted(models())
    assert "Did you mean 'llama-3.3-70b'?" in refused.value.remedy


def test_an_unknown_gpu_with_no_near_name_is_refused_without_a_guess() -> None:
    with pytest.raises(UnknownEntryError) as refused:
        gpu("abacus")
    assert "Did you mean" not in refused.value.remedy
    assert "catalog/gpus.yaml" in refused.value.remedy


def test_a_revision_that_is_not_a_commit_is_refused() -> None:
    spec = model("qwen3-4b").model_dump()
    spec["checkpoints"]["bf16"]["revision"] = "main"
    with pytest.raises(ValidationError, match="revision"):
        ModelSpec.model_validate(spec)


def test_compressed_attention_needs_its_ranks() -> None:
    arch = model("qwen3-4b").architecture.model_dump()
    with pytest.raises(ValidationError, match="kv_lora_rank"):
        Architecture.model_validate({**arch, "attention": "mla"})
