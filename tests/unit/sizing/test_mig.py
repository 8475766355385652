"""Which MIG geometries a card has."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.gpus import GpuSpec, gpu, gpus
from catalog.load import UnknownEntryError
from sizing.mig import fits, geometry_problems, layout, profile

CARDS = [card for card in gpus().values() if card.mig]
SEVEN = [card.key for card in CARDS if card.mig[-1].compute_slices == 7]


def named(card: GpuSpec, *slices: str) -> dict[str, int]:
    """A geometry by compute slices: `3` is the profile of three, `1+` the one with more memory."""
    found: dict[str, int] = {}
    for wanted in slices:
        width, wide = int(wanted.rstrip("+")), wanted.endswith("+")
        of_width = [entry.name for entry in card.mig if entry.compute_slices == width]
        name = of_width[-1] if wide else of_width[0]
        found[name] = found.get(name, 0) + 1
    return found


@st.composite
def cuttings(draw: st.DrawFn) -> tuple[GpuSpec, dict[str, int]]:
    card = draw(st.sampled_from(CARDS))
    names = st.sampled_from([entry.name for entry in card.mig])
    return card, draw(st.dictionaries(names, st.integers(1, 8), min_size=1))


@given(cuttings())
def test_what_is_accepted_lies_on_the_card_without_overlap_at_starts_it_allows(
    cutting: tuple[GpuSpec, dict[str, int]],
) -> None:
    card, geometry = cutting
    placed = layout(card, geometry)
    assert fits(card, geometry) == (placed is not None)
    if placed is None:
        return
    whole = card.mig[-1]
    assert sorted(p.profile for p in placed) == sorted(
        name for name, count in geometry.items() for _ in range(count)
    )
    for each in placed:
        of = profile(card, each.profile)
        assert each.size == of.memory_slices
        assert each.start in of.starts
        assert each.start + each.size <= whole.memory_slices
    assert all(a.start + a.size <= b.start for a, b in pairwise(placed))
    compute = sum(profile(card, name).compute_slices * n for name, n in geometry.items())
    assert compute <= whole.compute_slices
    memory = sum(profile(card, name).memory_bytes * n for name, n in geometry.items())
    assert memory <= card.memory_bytes


@given(cuttings())
def test_what_is_refused_says_why_and_every_smaller_geometry_it_offers_fits(
    cutting: tuple[GpuSpec, dict[str, int]],
) -> None:
    card, geometry = cutting
    problems = geometry_problems(card, geometry)
    assert bool(problems) == (not fits(card, geometry))
    for problem in problems:
        if "Geometries that fit: " in problem:
            for offer in problem.split("Geometries that fit: ")[1].split(", or "):
                parts = [part.split(" x") for part in offer.split(" + ")]
                assert fits(card, {name: int(count) for name, count in parts})


@given(cuttings())
def test_a_part_of_what_fits_fits(cutting: tuple[GpuSpec, dict[str, int]]) -> None:
    card, geometry = cutting
    if fits(card, geometry):
        for part in combinations(geometry.items(), len(geometry) - 1):
            assert fits(card, dict(part))


# The rows of NVIDIA's diagram of layouts (MIG user guide, A100; the same for H100, H200, B200).
@pytest.mark.parametrize("key", SEVEN)
@pytest.mark.parametrize(
    "row",
    [
        ["7"],
        ["4", "3"],
        ["4", "2", "1"],
        ["4", "1", "1", "1"],
        ["3", "3"],
        ["3", "2", "1"],
        ["3", "1", "1", "1"],
        ["2", "2", "3"],
        ["2", "1", "1", "3"],
        ["1", "1", "1", "1", "3"],
        ["2", "2", "2", "1"],
        ["2", "2", "1", "1", "1"],
        ["2", "1", "1", "1", "1", "1"],
        ["1"] * 7,
        ["1+"] * 4,
    ],
)
def test_the_layouts_that_nvidia_publishes_are_accepted(key: str, row: list[str]) -> None:
    assert fits(gpu(key), named(gpu(key), *row))


@pytest.mark.parametrize("key", SEVEN)
@pytest.mark.parametrize(
    "row",
    [
        ["3", "3", "1"],  # 3 + 3 + 1 = 7 compute slices, but the two take all eight of memory
        ["4", "4"],
        ["4", "2", "2"],
        ["7", "1"],
        ["2", "2", "2", "2"],  # eight slices of memory; the fourth has no place to start
        ["2", "2", "2", "1", "1"],
        ["4", "1", "1", "1", "1"],  # the eighth slice of memory has no compute
        ["1+", "1+", "1+", "1+", "1"],
        ["1"] * 8,
    ],
)
def test_layouts_that_the_card_has_no_place_for_are_refused(key: str, row: list[str]) -> None:
    assert not fits(gpu(key), named(gpu(key), *row))


def test_the_rtx_pro_6000_takes_four_quarters_or_a_half_and_two_quarters() -> None:
    card = gpu("rtxpro6000-96gb")
    assert fits(card, {"1g.24gb": 4})
    assert fits(card, {"2g.48gb": 1, "1g.24gb": 2})
    assert not fits(card, {"2g.48gb": 1, "1g.24gb": 3})


def test_the_published_number_of_instances_is_the_number_of_starts() -> None:
    # MIG user guide, Supported MIG Profiles, last column; and 4, 2, 1 of the RTX PRO 6000.
    for key in SEVEN:
        assert [entry.max_instances for entry in gpu(key).mig] == [7, 4, 3, 2, 1, 1]
    quarters = gpu("rtxpro6000ws-96gb").mig
    assert [entry.max_instances for entry in quarters] == [4, 2, 1]


def test_a_geometry_that_overlaps_is_refused_with_those_that_do_not() -> None:
    assert geometry_problems(gpu("h100-80gb"), {"3g.40gb": 2, "1g.10gb": 1}) == [
        (
            "3g.40gb x2 + 1g.10gb x1 do not fit on h100-80gb at once: the instances would overlap."
            " Geometries that fit: 3g.40gb x1 + 1g.10gb x1, or 3g.40gb x2"
        )
    ]


def test_every_wrong_profile_and_count_is_said_at_once() -> None:
    assert geometry_problems(gpu("h200-141gb"), {"1g.10gb": 7, "1g.18gb": 8, "2g.35gb": 0}) == [
        (
            "1g.10gb is not a profile of h200-141gb; use one of"
            " 1g.18gb, 1g.35gb, 2g.35gb, 3g.71gb, 4g.71gb, 7g.141gb"
        ),
        "1g.18gb: 8 is too many; at most 7 fit",
        "2g.35gb: 0 is too few; set 1 or more, or remove it",
    ]


def test_a_card_without_mig_says_what_shares_it_instead() -> None:
    assert geometry_problems(gpu("l4-24gb"), {"1g.6gb": 4}) == [
        "l4-24gb does not support MIG. Use time-slicing or MPS."
    ]


def test_a_slice_has_the_memory_that_nvidia_smi_reports_and_the_plugins_resource_name() -> None:
    card = gpu("a100-80gb")
    assert profile(card, "1g.10gb").memory_bytes == 9728 * 1024**2  # 9.50 GiB of -lgip
    assert profile(card, "1g.10gb").resource == "nvidia.com/mig-1g.10gb"
    with pytest.raises(UnknownEntryError, match=r"Did you mean '1g\.20gb'"):
        profile(card, "1g.2gb")
