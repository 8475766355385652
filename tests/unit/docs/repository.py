"""The tracked files, and their text as a reader meets it."""

import re
import subprocess
from functools import cache
from pathlib import Path

from tests.paths import ROOT

_FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2`*[ \t]*$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


@cache
def tracked() -> frozenset[str]:
    """The tracked files, as paths from the root of the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return frozenset(name for name in listed.stdout.split("\0") if name and (ROOT / name).exists())


@cache
def folders() -> frozenset[str]:
    """The folders that hold a tracked file."""
    return frozenset(str(parent) for name in tracked() for parent in Path(name).parents)


def pages() -> list[str]:
    """The Markdown files that people read; golden files of tests are not among them."""
    return sorted(n for n in tracked() if n.endswith(".md") and "_golden/" not in n)


@cache
def text(name: str) -> str:
    """The content of a tracked file; empty where it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def prose(page: str) -> str:
    """A page without its code."""
    return _SPAN.sub("", _FENCE.sub("", text(page)))


def blocks(page: str) -> list[str]:
    """The fenced code blocks of a page."""
    return [match[0] for match in _FENCE.finditer(text(page))]


def spans(content: str) -> list[str]:
    """The inline code of a text, each span on one line."""
    return [" ".join(match[2].split()) for match in _SPAN.finditer(_FENCE.sub("", content))]


def headings(page: str) -> list[str]:
    """The headings of a page, as they are written."""
    return _HEADING.findall(_FENCE.sub("", text(page)))


@cache
def anchors(page: str) -> frozenset[str]:
    """What `#…` may name in a page, by the rule that GitHub, GitLab and Forgejo share."""
    found: set[str] = set()
    for heading in headings(page):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(f"{slug}-{number}" if number else slug)
    return frozenset(found)
