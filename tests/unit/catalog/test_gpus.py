"""The GPU catalog: numbers that must agree with each other, whatever the data sheet says."""

import pytest
from pydantic import ValidationError

from catalog.gpus import GpuSpec, gpu, gpus
from tests.paths import ROOT

NVIDIA = [card for card in gpus().values() if card.vendor == "nvidia"]


def test_the_usual_cards_are_there() -> None:
    assert {key.split("-")[0] for key in gpus()} == {
        *("h200", "h100", "h20", "b200", "a100", "l40s", "l4"),
        *("rtx6000ada", "rtxpro6000", "rtxpro6000ws", "rtx4090", "mi300x"),
    }


def test_a_gpu_has_about_the_memory_of_its_name() -> None:
    for card in gpus().values():
        named = int(card.key.rsplit("-", 1)[1].removesuffix("gb")) * 1024**3
        assert 0.9 * named < card.memory_bytes <= named


def test_tensor_types_come_with_the_compute_capability_that_has_them() -> None:
    for card in NVIDIA:
        major, minor = (int(part) for part in card.compute_capability.split("."))
        assert card.fp8 == ((major, minor) >= (8, 9))
        assert ("fp4" in card.tensor_flops) == (major >= 10)


def test_narrower_types_are_twice_as_fast_as_dense_matrices_allow_and_no_faster() -> None:
    # A figure with sparsity in the place of a dense one would show here as four times.
    for card in gpus().values():
        bf16 = card.tensor_flops["bf16"]
        for dtype, bits in (("fp8", 8), ("int8", 8), ("fp4", 4)):
            if dtype in card.tensor_flops and card.key != "rtx4090-24gb":
                assert card.tensor_flops[dtype] == pytest.approx(bf16 * 16 / bits, rel=0.02)


def test_instances_of_mig_are_smaller_than_their_name_and_share_the_card_as_their_slices() -> None:
    for card in NVIDIA:
        for each in card.mig:
            named = int(each.name.split(".")[1].removesuffix("gb")) * 1024
            assert 0.85 * named < each.memory_mib <= named + 512  # 1g.24gb: 23.62 GiB, rounded
            assert each.name.startswith(f"{each.compute_slices}g.")
            share = each.memory_slices / card.mig[-1].memory_slices
            assert 0.88 * share < each.memory_mib / card.memory_mib <= share


def test_only_cards_that_nvidia_says_have_mig_have_profiles() -> None:
    # MIG user guide, Supported GPUs.
    assert {card.key.split("-")[0] for card in gpus().values() if card.mig} == {
        *("a100", "h100", "h200", "h20", "b200", "rtxpro6000", "rtxpro6000ws")
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link_bytes_per_second": None}, "link_bytes_per_second is given for nvlink: true"),
        ({"min_driver_branch": None}, "min_driver_branch is given for vendor: nvidia"),
        ({"compute_capability": "hopper"}, "compute_capability"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GpuSpec.model_validate({**gpu("h100-80gb").model_dump(), **change})


def test_an_amd_card_has_a_target_and_rocm_and_no_nvidia_driver() -> None:
    card = gpu("mi300x-192gb")
    assert (card.compute_capability, card.min_toolkit) == ("gfx942", "6.0")
    assert card.min_driver_branch is None


def test_the_page_on_sizing_has_every_card_with_its_memory() -> None:
    page = (ROOT / "docs" / "explanation" / "sizing.md").read_text(encoding="utf-8")
    for card in gpus().values():
        assert f"| `{card.key}` | {card.memory_mib:,} |" in page
