"""The text of programs that run inside the cluster, mounted from a ConfigMap."""

import ast
import io
import tokenize
from collections.abc import Iterable
from functools import cache
from importlib import resources
from math import ceil


def source(package: str, name: str) -> str:
    """The text of the file *name* that lies in the Python package *package*.

    Python comes without comments and docstrings, and one space deep for each four: whoever reads
    them has this repository, and the state holds each text three times. Lines keep their numbers,
    which tracebacks name.
    """
    text = resources.files(package).joinpath(name).read_text()
    return with_less_indentation(without_comments(text)) if name.endswith(".py") else text


def sources(package: str, names: Iterable[str]) -> dict[str, str]:
    """The texts of *names* in *package*, by name: a ConfigMap's data."""
    return {name: source(package, name) for name in names}


@cache
def without_comments(text: str) -> str:
    """The Python program *text* with empty lines in place of comments and docstrings."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            continue
        for statement in filter(_is_text, node.body):
            first, last = statement.lineno, statement.end_lineno or statement.lineno
            lines[first - 1 : last] = [""] * (last - first + 1)
            if len(node.body) == 1:
                lines[first - 1] = f"{' ' * statement.col_offset}pass"
    return "\n".join(lines) + "\n"


@cache
def with_less_indentation(text: str) -> str:
    """The Python program *text*, which is indented by four spaces, indented by one."""
    kept = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Constant, ast.JoinedStr))
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        body = line.lstrip(" ")
        depth = len(line) - len(body)
        lines.append(line if number in kept else " " * ceil(depth / 4) + body)
    return "\n".join(lines) + "\n"


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
