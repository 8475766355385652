"""The pages of `pai --help` read, and neither they nor Tab import what they do not need."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import reference
from cli.commands import exit_codes
from cli.examples import EXAMPLES
from cli.main import COMMANDS, app
from tests.paths import ROOT

HEAVY = ("pulumi", "kubernetes", "httpx", "huggingface_hub", "cryptography", "grpc", "jinja2")
"""Packages that take a tenth of a second or more to import."""
OURS = ("config", "sizing", "components", "policies", "preflight", "sim", "review.report")
"""Those of our own packages whose models do."""
EAGER = {"models", "images"}
"""Commands that still import what they need when their module is imported."""


def _leaves() -> Iterator[tuple[str, Any]]:
    for command in COMMANDS:
        loaded = command.loaded()
        below = getattr(loaded, "commands", None)
        if below is None:
            yield command.name, loaded
            continue
        for name, each in below.items():
            yield f"{command.name} {name}", each


LEAVES = dict(_leaves())


def _imported(*arguments: str, **variables: str) -> set[str]:
    """The modules that `pai` has imported when it exits."""
    program = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from cli.main import app; app(prog_name='pai')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    return set(done.stderr.split())


def _not_needed(modules: set[str]) -> list[str]:
    unwanted = (*HEAVY, *OURS)
    return sorted(m for m in modules if m in unwanted or m.startswith(tuple(f"{u}." for u in OURS)))


def _pages() -> list[list[str]]:
    names = [[], *(c.name.split() for c in COMMANDS if c.name not in EAGER)]
    return [[*name, "--help"] for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("words", _pages(), ids=" ".join)
def test_a_page_imports_no_package_that_it_does_not_need(words: list[str]) -> None:
    assert _not_needed(_imported(*words)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pai ", "status"),
        ("pai up --stack ", "prod"),
        ("pai review -s ", "local"),
        ("pai size ", "qwen3-4b"),
        ("pai size qwen3-4b --gpu ", "h100-80gb"),
        ("pai explain models.chat.re", "models.chat.replicas"),
        ("pai explain no-priv", "no-privileged"),
        ("pai open da", "dashboards"),
    ],
)
def test_tab_offers_values_without_importing_what_knows_them_better(
    line: str, offered: str
) -> None:
    words = line.split()
    variables = {
        "_PAI_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - (not line.endswith(" "))),
    }
    assert _not_needed(_imported(**variables)) == []
    done = CliRunner().invoke(app, [], env=variables, prog_name="pai")
    assert offered in done.stdout.split()


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_says_what_it_is_for_by_example_and_what_it_exits_with(name: str) -> None:
    command = LEAVES[name]
    assert EXAMPLES.get(name), "no example"
    codes = [code.split(" ", 1) for code in exit_codes(command)]
    assert codes[0][0] == "0"
    assert all(code.isdigit() and meaning for code, meaning in codes)
    assert "\n" not in command.help.replace("\n\n", ""), "a paragraph keeps its source's lines"


@pytest.mark.parametrize("name", LEAVES)
def test_every_example_is_a_command_that_parses(name: str) -> None:
    for line, _ in EXAMPLES[name]:
        assert re.search(rf"\bpai {name}\b", line)


@pytest.mark.parametrize("width", ["80", "120"])
@pytest.mark.parametrize("name", ["", *LEAVES])
def test_a_page_has_neither_stumps_nor_the_types_of_flags(name: str, width: str) -> None:
    words = [*name.split(), "--help"]
    page = CliRunner().invoke(app, words, env={"COLUMNS": width, "TERM": "dumb"}).stdout
    assert "<bool>" not in page
    assert "<str>" not in page
    assert max(len(line) for line in page.splitlines()) <= int(width)
    if name:
        first = " ".join(LEAVES[name].help.split()[:4])
        assert first in " ".join(page.split())


def test_every_stack_option_is_short_too_and_completes() -> None:
    for name, command in LEAVES.items():
        for option in command.params:
            if "--stack" in option.opts:
                assert option.opts == ["--stack", "-s"], name
                assert option.shell_complete(typer.Context(command), "pro"), name


def test_the_list_of_commands_is_grouped_and_complete() -> None:
    page = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80", "TERM": "dumb"}).stdout
    panels = dict.fromkeys(command.panel for command in COMMANDS)
    assert [line.split("─ ")[1].split(" ─")[0] for line in page.splitlines() if "╭─ " in line] == [
        "Options",
        *panels,
    ]
    assert all(f"│ {command.name} " in page for command in COMMANDS)


def test_the_version_is_that_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "(.*)"', project, re.MULTILINE)
    assert found
    assert CliRunner().invoke(app, ["--version"]).stdout == f"pai {found[1]}\n"


def test_the_reference_page_is_the_one_that_make_docs_writes() -> None:
    page = Path(ROOT, "docs/reference/commands.md").read_text(encoding="utf-8")
    assert page == reference.render()
