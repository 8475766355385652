"""The page is laid out for small screens; tests/conformance/test_review_page.py measures it."""

import re
from html.parser import HTMLParser

import pytest

from review.html import page
from tests.unit.review.review_support import NAMES, reviewed

NARROW = 400
"""Pixels of a telephone."""


class _Layout(HTMLParser):
    """Tables and pictures with the classes around them, and inline widths outside a scroller."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.loose: list[str] = []
        self.unnamed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        scrolled = any("scroll" in classes.split() for _, classes in self.open)
        if tag in ("table", "svg") and given.get("class") != "parts" and not scrolled:
            self.loose.append(f"{tag} {given}")
        if not scrolled and self._width(given.get("style", "")) > NARROW:
            self.loose.append(f"{tag} {given}")
        if tag == "td" and given.get("class") == "n" and "data-name" not in given:
            self.unnamed.append(str(self.getpos()))
        if tag not in ("meta", "wbr", "rect", "path"):
            self.open.append((tag, given.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    @staticmethod
    def _width(style: str) -> float:
        return max((float(px) for px in re.findall(r"width: (\d+)px", style)), default=0)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wide_scrolls_in_a_box_of_its_own(name: str) -> None:
    layout = _Layout()
    layout.feed(page(reviewed(name)))

    assert layout.loose == []


@pytest.mark.parametrize("name", NAMES)
def test_a_number_keeps_its_heading_where_rows_are_stacked(name: str) -> None:
    layout = _Layout()
    layout.feed(page(reviewed(name)))

    assert layout.unnamed == []


def test_the_style_sets_no_width_that_a_telephone_lacks() -> None:
    style = page(reviewed("created")).partition("<style>")[2].partition("</style>")[0]
    small = style.partition("@media (max-width: 600px)")[2]
    widths = re.findall(r"(?<![-\w])(?:min-)?width: ([\d.]+)(px|rem)", style.replace(small, ""))

    assert [w for w in widths if float(w[0]) * (16 if w[1] == "rem" else 1) > NARROW] == []
    # It would break names inside words wherever a column can be made narrower.
    assert [
        r for r in style.split("}") if "anywhere" in r and not r.strip().startswith("pre")
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_sentences_are_set_apart(name: str) -> None:
    """It said "of a simulated cluster.Nothing stops"."""
    report = reviewed(name).model_copy(update={"simulated": True, "packs": []})

    text = re.sub(r"<[^>]*>", "", page(report).partition("<body>")[2])
    assert re.findall(r"cluster\.\S|\w\.No policy", text) == []
