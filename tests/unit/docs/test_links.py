"""What the documentation and the comments refer to is there: pages, headings, files, commands."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatch
from os.path import normpath
from pathlib import PurePosixPath
from typing import Any

import typer.main

from cli.main import app
from tests.unit.docs.repository import (
    anchors,
    blocks,
    folders,
    pages,
    prose,
    spans,
    text,
    tracked,
)

_LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
_TOP = sorted({name.split("/", 1)[0] for name in tracked() if "/" in name})
_PATH = re.compile(rf"(?<![\w./:@-])(?:{'|'.join(map(re.escape, _TOP))})/[\w./*-]*[\w*]")
"""A path from the root of the checkout: it begins with one of its folders."""
_FILE = re.compile(r"[\w.*/-]+\.(?:py|md|ya?ml|json|toml|sh|lock|jinja|txt)")
_ELSEWHERE = (
    # The branch under review and what it left behind, in workflows.
    *("base/.ci/render", "review/review.json"),
    # In the repositories of others, or in their Go modules.
    "cfg/cis-1.9/policies.yaml",  # kube-bench
    *("config/crd/bases", "config/metrics-server", "config/webhook"),  # of the operators
    *(
        "docs/architecture/autoscaling/keda-epp.md",
        "docs/disaggregation.md",
        "docs/tls.md",
    ),  # llm-d
    "config/charts/llm-d-router-standalone",
    "docs/gpu-feature-discovery",  # NVIDIA
    "docs/metrics/v3.md",  # MinIO
    "docs/source/reference/launcher.md",  # TGI
    "docs/usage/security.md",  # vLLM
    "tests/fixtures",  # kvfit
)
"""Paths that begin like one of ours, and are not of this checkout."""
_COMMAND = re.compile(r"(?:^|[$(&;|]) *pai +([a-z-][^`#]*)")
_ENDS = {"|", "||", "&&", ";", ">", "<", "2>&1", ")", "#"}
_PAI: Any = typer.main.get_command(app)


def _target(page: str, link: str) -> str:
    return normpath(PurePosixPath(page).parent / link)


def test_every_relative_link_leads_to_a_tracked_file_and_every_anchor_to_a_heading() -> None:
    dead = [(page, link) for page in pages() for link in _dead_links(page)]
    assert dead == []


def _dead_links(page: str) -> Iterator[str]:
    for link in _LINK.findall(prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = _target(page, path) if path else page
        if target not in tracked() | folders() or (anchor and anchor not in anchors(target)):
            yield link


def test_the_index_names_every_page_of_the_documentation() -> None:
    linked = {_target("docs/README.md", link) for link in _LINK.findall(prose("docs/README.md"))}
    listed = {page for page in pages() if page.startswith("docs/")}
    left_out = {"docs/README.md", "docs/adr/0000-template.md"}
    assert listed - linked - left_out == set()


def _remarks(source: str) -> Iterator[str]:
    """The comments and docstrings of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def _read(name: str) -> str:
    """The part of a file in which paths are meant: all of it, but not the data of a test."""
    return "\n".join(_remarks(text(name))) if _is_test(name) else text(name)


_HISTORY = "CHANGELOG.md"
"""Names what is gone."""


def _is_test(name: str) -> bool:
    return name.startswith("tests/") and name.endswith(".py")


def _exists(path: str, name: str) -> bool:
    """Whether *path*, a pattern perhaps, is a file or folder: from the root, or beside *name*."""
    parents = [PurePosixPath(), *PurePosixPath(name).parents]
    wanted = {normpath(parent / path) for parent in parents}
    if wanted & (tracked() | folders()):
        return True
    return "*" in path and any(fnmatch(known, w) for known in tracked() for w in wanted)


_READ = (".py", ".md", ".sh", ".toml", ".yml", ".yaml", "Makefile")


def test_every_path_that_a_page_a_comment_or_a_docstring_names_exists() -> None:
    read = sorted(n for n in tracked() if n.endswith(_READ) and "_golden/" not in n)
    dead = [(name, path) for name in read if name != _HISTORY for path in _dead_paths(name)]
    assert dead == []


def _dead_paths(name: str) -> Iterator[str]:
    content = _read(name)
    named = set(_PATH.findall(content))
    if name.endswith((".md", ".py")):
        named |= {span for span in spans(content) if "/" in span and _FILE.fullmatch(span)}
    yield from (p for p in named if not p.startswith(_ELSEWHERE) and not _exists(p, name))


def _words(call: str) -> list[str]:
    """The words of a command up to a pipe, a comment or the next command."""
    words: list[str] = []
    for raw in call.split():
        if raw in _ENDS:
            break
        word = raw.strip("[](){}'\"…,;:")
        if word:
            words.append(word)
        if raw[-1] in ");" or raw.endswith('"'):
            break
    return words


def _calls(name: str) -> Iterator[list[str]]:
    """Every `pai` command that a page shows, or that a Python file puts in backticks."""
    code = spans(_read(name))
    if name.endswith(".md"):
        code += [line for block in blocks(name) for line in block.splitlines()]
    for line in code:
        for match in _COMMAND.finditer(line):
            yield _words(match[1])


def _unknown(words: list[str], command: Any = _PAI) -> Iterator[str]:
    """What of *words* no command and no option of the tree is called."""
    if not words:
        return
    group = hasattr(command, "commands")
    if group and not words[0].startswith("-"):
        for name in words[0].split("|"):
            if name in command.commands:
                yield from _unknown(words[1:], command.commands[name])
            else:
                yield name
        return
    options = {opt for parameter in command.params for opt in (*parameter.opts, "--help")}
    for word in words:
        for option in word.split("|"):
            if re.match("--[a-z]", option) and option.split("=", 1)[0] not in options:
                yield option


def test_every_command_of_pai_that_is_shown_exists_with_its_options() -> None:
    shown = sorted(n for n in tracked() if n.endswith((".md", ".py")) and n != _HISTORY)
    unknown = [(n, word) for n in shown for words in _calls(n) for word in _unknown(words)]
    assert unknown == []
