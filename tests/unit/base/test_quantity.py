"""Quantities as Kubernetes writes them."""

from decimal import Decimal

import pytest

from base.quantity_format import canonical, parse


# Of apimachinery's own examples (pkg/api/resource/quantity_test.go), and what this project writes.
@pytest.mark.parametrize(
    ("written", "canonically"),
    [
        ("81920Mi", "80Gi"),
        ("40961Mi", "40961Mi"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("512Ki", "512Ki"),
        ("16", "16"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("2000", "2k"),
        ("1500", "1500"),
        ("0", "0"),
        ("0Gi", "0"),
        ("1024Ti", "1Pi"),
        ("2048Pi", "2Ei"),
        ("1000T", "1P"),
        ("1000P", "1E"),
        ("100u", "100u"),
        ("0.0000005", "500n"),
        ("1e3", "1e3"),
        ("1500E6", "1500e6"),
        ("1.5e-3", "1500e-6"),
    ],
)
def test_a_quantity_is_written_with_the_largest_suffix_that_leaves_it_whole(
    written: str, canonically: str
) -> None:
    assert canonical(written) == canonically
    assert parse(canonically) == parse(written)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1n", "0.000000001"),
        ("1u", "0.000001"),
        ("500m", "0.5"),
        ("2", "2"),
        ("2.", "2"),
        (".5", "0.5"),
        ("1k", "1000"),
        ("1M", "1e6"),
        ("1G", "1e9"),
        ("1T", "1e12"),
        ("1P", "1e15"),
        ("1E", "1e18"),
        ("1Ki", "1024"),
        ("1Mi", "1048576"),
        ("1Gi", "1073741824"),
        ("1Ti", "1099511627776"),
        ("1Pi", "1125899906842624"),
        ("1Ei", "1152921504606846976"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("2.5e-1", "0.25"),
    ],
)
def test_every_suffix_and_exponent_of_kubernetes_is_read(written: str, value: str) -> None:
    assert parse(written) == Decimal(value)


@pytest.mark.parametrize(
    "written",
    ["", "lots", "1..5", "1 Gi", "5x", "1Kib", "1ki", "-1", "+1", "1e", "1e+", ".", "Gi", "٢"],
)
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="must be a Kubernetes quantity such as 500m, 2, 16Gi"):
        parse(written)
