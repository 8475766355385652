"""The committed reference page says what the rules say."""

from policies.reference import render
from tests.paths import ROOT

_PAGE = ROOT / "docs" / "policies.md"


def test_the_page_is_current() -> None:
    assert _PAGE.read_text() == render(), "run: python -m policies.reference > docs/policies.md"
