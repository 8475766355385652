"""The URNs of every stack, kept as golden lists: `python -m tests.urns` writes them anew.

A URN is a resource's identity in the state: one that changes replaces the resource, one that goes
deletes it. A move of code or a new name must leave every list as it is; `make upgrade FROM=REV`
shows what a change to a list does to stacks that are deployed.
"""

import json
import runpy
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml

from components import program
from config.reference import KEY
from tests.paths import ROOT
from tests.support import Recorded, deploy

FOLDER = ROOT / "tests" / "golden_urns"


def files() -> dict[str, Path]:
    """File of each stack and example by name."""
    named = {file.name.split(".")[1]: file for file in sorted(ROOT.glob("Pulumi.*.yaml"))}
    return named | {file.stem: file for file in sorted((ROOT / "examples").glob("*.yaml"))}


def golden(name: str) -> list[str]:
    """The list of the stack *name*."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def short(urns: Iterable[str]) -> list[str]:
    """Types and name of each URN, sorted; without the stack, the project and the engine's own."""
    cut = ("::".join(urn.split("::")[2:]) for urn in urns)
    return sorted(urn for urn in cut if not urn.startswith("pulumi:"))


def of(recorded: Recorded) -> list[str]:
    """The same of what a program has asked for on mocks."""
    prefix = "urn:pulumi:test::private-ai::"
    return short(
        f"{prefix}{_chain(asked.parent)}{asked.type}::{asked.name}" for asked in recorded.values()
    )


def planned(name: str) -> list[str]:
    """The URNs that the program asks for on mocks, for the stack *name*."""
    return of(asked_for(name))


@cache
def asked_for(name: str) -> Recorded:
    """Everything that the program asks for on mocks, for the stack or example *name*."""
    raw = yaml.safe_load(files()[name].read_text())["config"][KEY]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(program, "watch", lambda _: None)  # there is no cluster to watch
        return deploy(_run, {KEY: json.dumps(raw)})


def _run() -> None:
    runpy.run_path(str(ROOT / "__main__.py"))


def _chain(parent: str) -> str:
    """The types of *parent* and what it is in; the mocks count the stack among them."""
    types = parent.split("::")[2].removeprefix("pulumi:pulumi:Stack").lstrip("$") if parent else ""
    return f"{types}$" if types else ""


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    import asyncio

    asyncio.set_event_loop(asyncio.new_event_loop())
    for stack in files():
        (FOLDER / f"{stack}.txt").write_text("\n".join(planned(stack)) + "\n", encoding="utf-8")
        sys.stderr.write(f"{stack}\n")
