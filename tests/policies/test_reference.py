"""The committed reference page says what the rules say."""

from pathlib import Path

from policies.reference import render

_PAGE = Path(__file__).parents[2] / "docs" / "policies.md"


def test_the_page_is_current() -> None:
    assert _PAGE.read_text() == render(), "run: python -m policies.reference > docs/policies.md"
