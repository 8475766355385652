"""The committed reference page says what the rules say."""

from policies.reference import render
from tests.paths import ROOT

_PAGE = ROOT / "docs" / "reference" / "policies.md"


def test_the_page_is_current() -> None:
    assert _PAGE.read_text() == render(), "run: make docs"
