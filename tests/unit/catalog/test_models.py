"""The models of the catalog."""

from typing import Any

import pytest
from pydantic import ValidationError

from catalog.architecture import Architecture
from catalog.gpus import gpu
from catalog.load import UnknownEntryError
from catalog.models import Checkpoint, ModelSpec, WeightDtype, model, models
from sizing.parameters import parameters
from sizing.reference import render
from sizing.weights import computed_weights_bytes
from tests.paths import ROOT
from tests.unit.sizing.architectures import architecture

TOKEN_MODELS = [spec for spec in models().values() if spec.architecture]
PUBLISHED = [
    pytest.param(spec, dtype, checkpoint.published_bytes, id=f"{spec.key}-{dtype}")
    for spec in models().values()
    for dtype, checkpoint in spec.checkpoints.items()
    if checkpoint.published_bytes
]


@pytest.mark.parametrize("spec", TOKEN_MODELS, ids=lambda spec: spec.key)
def test_the_parameters_of_every_token_model_are_what_its_architecture_adds_up_to(
    spec: ModelSpec,
) -> None:
    summed = parameters(architecture(spec)).total + (spec.unquantized_parameters or 0)
    assert summed == pytest.approx(spec.parameters, rel=0.002)


@pytest.mark.parametrize(("spec", "dtype", "published"), PUBLISHED)
def test_the_weights_of_every_checkpoint_are_within_three_percent_of_what_is_published(
    spec: ModelSpec, dtype: WeightDtype, published: int
) -> None:
    stored = spec.dtype if dtype == spec.serve_dtype else dtype
    assert computed_weights_bytes(spec, stored) == pytest.approx(published, rel=0.03)


def test_every_model_has_a_checkpoint_whose_size_is_published() -> None:
    for spec in models().values():
        assert any(checkpoint.published_bytes for checkpoint in spec.checkpoints.values()), spec.key


def test_a_gguf_names_its_file_and_carries_no_safetensors() -> None:
    ggufs = [
        checkpoint
        for spec in models().values()
        for dtype, checkpoint in spec.checkpoints.items()
        if dtype in ("q8_0", "q4_k_m")
    ]
    assert ggufs
    for checkpoint in ggufs:
        assert (checkpoint.file or "").endswith(".gguf")
        assert not checkpoint.safetensors


def test_speech_and_images_have_working_bytes_instead_of_a_token_architecture() -> None:
    media = {spec.key: spec for spec in models().values() if spec.architecture is None}
    assert {spec.task for spec in media.values()} == {"transcribe", "speak", "image"}
    assert all(spec.working_bytes for spec in media.values())


def test_a_model_is_described_by_an_architecture_or_by_working_bytes_and_not_by_both() -> None:
    spec = model("qwen3-4b").model_dump()
    for wrong in ({"working_bytes": 1}, {"architecture": None}):
        with pytest.raises(ValidationError, match="either architecture or working_bytes"):
            ModelSpec.model_validate({**spec, **wrong})


def test_a_published_size_without_its_source_is_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        Checkpoint.model_validate({"repository": "a/b", "published_bytes": 1})


def test_the_page_of_the_models_is_what_the_catalog_says() -> None:
    page = (ROOT / "docs" / "reference" / "models.md").read_text(encoding="utf-8")
    assert page == render(), "Write it again: python -m sizing.reference > docs/reference/models.md"


def test_the_models_of_the_shipped_stacks_and_their_alternatives_are_there() -> None:
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


def test_a_model_without_a_public_repository_is_marked_as_a_placeholder() -> None:
    assert {spec.key for spec in models().values() if spec.placeholder} == {
        "elodie-32b",
        "kevina-32b",
    }


def test_an_unknown_model_is_refused_with_the_nearest_key_and_every_allowed_one() -> None:
    with pytest.raises(UnknownEntryError) as refused:
        model("llama-3.3-70")
    assert refused.value.got == "llama-3.3-70"
    assert refused.value.allowed == sorted(models())
    assert "Did you mean 'llama-3.3-70b'?" in refused.value.change


def test_an_unknown_gpu_with_no_near_name_is_refused_without_a_guess() -> None:
    with pytest.raises(UnknownEntryError) as refused:
        gpu("abacus")
    assert "Did you mean" not in refused.value.change
    assert "catalog/gpus.yaml" in refused.value.change


def test_a_revision_that_is_not_a_commit_is_refused() -> None:
    spec = model("qwen3-4b").model_dump()
    spec["checkpoints"]["bf16"]["revision"] = "main"
    with pytest.raises(ValidationError, match="revision"):
        ModelSpec.model_validate(spec)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"attention": "mla"}, "kv_lora_rank"),
        ({"kv_heads": 5}, "kv_heads 5 does not divide heads 32"),
        ({"layer_pattern": "SF"}, "window belongs to layers S"),
        ({"window": 128}, "window belongs to layers S"),
        ({"layer_pattern": "LF"}, "linear belongs to layers L"),
        ({"dense_layers": 3}, "dense_layers and dense_intermediate go together"),
        ({"experts_per_token": 8}, "experts_per_token is 8 of 0 experts"),
    ],
)
def test_an_architecture_that_contradicts_itself_is_refused(
    wrong: dict[str, Any], said: str
) -> None:
    arch = architecture(model("qwen3-4b")).model_dump()
    with pytest.raises(ValidationError, match=said):
        Architecture.model_validate({**arch, **wrong})
