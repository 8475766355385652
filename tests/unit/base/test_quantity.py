"""Quantities as Kubernetes writes them."""

import pytest

from base.quantity import canonical, parse


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
    ],
)
def test_a_quantity_is_written_with_the_largest_suffix_that_leaves_it_whole(
    written: str, canonically: str
) -> None:
    assert canonical(written) == canonically
    assert parse(canonically) == parse(written)
