"""The document: CycloneDX, the same for the same content."""

import json

import pytest

from review.sbom.document import Item, document, package_url

STACK = Item(kind="application", ref="stack:prod", name="prod", needs=["b", "a"])
ITEMS = [
    Item(kind="library", ref="b", name="b", license="MIT"),
    Item(kind="library", ref="a", name="a", license='"The A License"', sha256=["ab" * 32]),
]


def read(items: list[Item], epoch: str | None = None) -> dict[str, object]:
    return json.loads(document(STACK, items, epoch=epoch))


def test_the_order_in_which_things_are_found_does_not_show() -> None:
    assert document(STACK, ITEMS, epoch=None) == document(STACK, ITEMS[::-1], epoch=None)


def test_its_serial_number_follows_from_its_content() -> None:
    assert read(ITEMS)["serialNumber"] == read(ITEMS)["serialNumber"]
    assert read(ITEMS)["serialNumber"] != read(ITEMS[:1])["serialNumber"]


def test_its_time_is_the_one_that_is_given_or_none() -> None:
    assert "timestamp" not in str(read(ITEMS))
    metadata = read(ITEMS, "1700000000")["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["timestamp"] == "2023-11-14T22:13:20Z"


def test_a_license_is_an_expression_or_in_its_own_words() -> None:
    first, second = (item.component() for item in ITEMS)

    assert first["licenses"] == [{"expression": "MIT"}]
    assert second["licenses"] == [{"license": {"name": "The A License"}}]
    unknown = Item(kind="library", ref="c", name="c", license="NOASSERTION").component()
    assert unknown["licenses"] == [{"license": {"name": "NOASSERTION"}}]


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (("pypi", "pulumi", "3.256.0"), "pkg:pypi/pulumi@3.256.0"),
        (
            ("golang", "github.com/a/b/v2", "v2.0.0+incompatible"),
            "pkg:golang/github.com/a/b/v2@v2.0.0%2Bincompatible",
        ),
        (
            (
                "oci",
                "kong",
                "sha256:ab",
                {"tag": "3.9", "repository_url": "r.test/m/kong"},
            ),
            "pkg:oci/kong@sha256%3Aab?repository_url=r.test/m/kong&tag=3.9",
        ),
    ],
)
def test_a_package_url_is_escaped_as_the_specification_says(
    parts: tuple[str, ...], url: str
) -> None:
    assert package_url(*parts) == url  # type: ignore[arg-type]
