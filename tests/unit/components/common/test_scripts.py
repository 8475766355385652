"""Programs are mounted without comments, and are otherwise what they are in the repository."""

import ast
from pathlib import Path

import pytest

from components.common.scripts import source, with_less_indentation, without_comments
from tests.paths import ROOT

PROGRAMS = sorted((ROOT / "weights").glob("*.py"))


def _statements(text: str) -> list[tuple[int, str]]:
    """The line and the kind of each statement that does something."""
    return sorted(
        (node.lineno, type(node).__name__)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt)
        and not isinstance(node, ast.Pass)
        and not (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
    )


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.name)
def test_every_statement_stays_on_its_line(file: Path) -> None:
    text = file.read_text()
    mounted = source("weights", file.name)

    assert _statements(mounted) == _statements(text)
    assert '"""' not in mounted


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.name)
def test_less_indentation_changes_nothing_else(file: Path) -> None:
    text = without_comments(file.read_text())
    mounted = source("weights", file.name)

    assert ast.dump(ast.parse(mounted)) == ast.dump(ast.parse(text))
    assert len(mounted) < len(text) or "\n " not in text


def test_a_text_of_several_lines_keeps_its_spaces() -> None:
    program = 'def f():\n    if x:\n        return """a\n        b"""\n'

    assert with_less_indentation(program) == 'def f():\n if x:\n  return """a\n        b"""\n'


def test_what_looks_like_a_comment_inside_a_text_is_none() -> None:
    assert without_comments('x = "# no"  # yes\n') == 'x = "# no"\n'


def test_a_body_of_nothing_but_a_docstring_stays_one() -> None:
    assert without_comments('class A(Exception):\n    """Why."""\n') == (
        "class A(Exception):\n    pass\n"
    )
