"""What the shell completes after Tab.

From files, without the packages that know them better: a key that is pressed is answered at once.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli.schema_keys import Schema
from toolchain import state
from toolchain.stack_files import stack_names

_PROJECT = Path(__file__).resolve().parents[1]
_ENTRY = re.compile(r"^([a-z0-9][\w.-]*):", re.MULTILINE)
"""A key at the top of a file of the catalog."""
_RULE = re.compile(r"^\| `([a-z0-9-]+)` \|", re.MULTILINE)


def stacks(incomplete: str) -> list[str]:
    """The stacks that have a file."""
    return _matching(stack_names(_PROJECT), incomplete)


def models(incomplete: str) -> list[str]:
    """The models of the catalog."""
    return _matching(_ENTRY.findall(_text("catalog/models.yaml")), incomplete.lower())


def gpus(incomplete: str) -> list[str]:
    """The GPUs of the catalog."""
    return _matching(_ENTRY.findall(_text("catalog/gpus.yaml")), incomplete.lower())


def parts(incomplete: str) -> list[str]:
    """The parts of the simulated stacks that are deployed."""
    found: set[str] = set()
    for stack in stacks(""):
        deployment = state.deployment(stack) or {}
        for resource in deployment.get("resources", []):
            if resource["type"].startswith("private-ai:index:"):
                found.add(resource["urn"].rsplit("::", 1)[-1])
    return _matching(sorted(found), incomplete)


def words(incomplete: str) -> list[str]:
    """What `pai explain` explains: rules, and keys of the settings one step further."""
    rules = _RULE.findall(_text("docs/reference/policies.md"))
    known = [*dict.fromkeys(_keys(incomplete)), *sorted(set(rules))]
    return _matching(known, incomplete)


def _keys(incomplete: str) -> Iterator[str]:
    schema = Schema(json.loads(_text("docs/reference/stack.schema.json")))
    above = incomplete.split(".")[:-1]
    for node in schema.at(above):
        yield from (".".join([*above, key]) for key in schema.keys(node))


def _text(name: str) -> str:
    return (_PROJECT / name).read_text(encoding="utf-8")


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
