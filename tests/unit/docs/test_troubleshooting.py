"""The messages that docs/how-to/troubleshooting.md explains are those that the code prints."""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.unit.docs.repository import headings, text, tracked

PAGE = "docs/how-to/troubleshooting.md"
_PACKAGES = (
    *("base", "catalog", "cli", "components", "config", "policies", "preflight", "review"),
    *("sim", "sizing"),
    *("toolchain", "weights"),
)
_QUOTED = [heading.strip("`") for heading in headings(PAGE) if heading.startswith("`")]


def _printed(source: str) -> Iterator[str]:
    """The strings of a Python file that are values, with `…` for what a format fills in."""
    tree = ast.parse(source)
    remarks = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and id(node) not in remarks:
            yield str(node.value)


@cache
def _messages() -> list[str]:
    sources = (name for name in tracked() if name.split("/", 1)[0] in _PACKAGES)
    return [string for name in sources if name.endswith(".py") for string in _printed(text(name))]


def test_the_page_quotes_messages() -> None:
    assert len(_QUOTED) > 30
    assert len(set(_QUOTED)) == len(_QUOTED)


@pytest.mark.parametrize("quoted", _QUOTED)
def test_each_message_in_a_heading_is_one_that_the_code_prints(quoted: str) -> None:
    """`…` at the ends of a heading stands for any text, inside for one that is filled in."""
    wanted = quoted.strip("… ")
    assert any(wanted in message for message in _messages()), f"no message says: {quoted}"
