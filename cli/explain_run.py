"""What `pai explain` says: of a rule from the pack, of a key from the schema of the settings."""

import difflib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from base.problems import Problem
from cli.errors import UsageError
from cli.schema_keys import Node, Schema
from config.reference import KEY, schema
from policies.explain import ALL
from policies.rules.model import Described

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "map",
}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "minProperties": "at least {} entries",
    "pattern": "in the form {}",
}


class Explanation(NamedTuple):
    """An explanation, for a person and for a script."""

    lines: list[tuple[str, str]]
    document: Mapping[str, Any]

    @property
    def width(self) -> int:
        """Of the titles, characters."""
        return max(len(title) for title, _ in self.lines)


def explanation(what: str) -> Explanation:
    """Of the rule or key *what*. Raises UsageError, with the nearest name, if it is neither."""
    if what in ALL:
        return _rule(ALL[what])
    settings = Schema(schema())
    steps = what.removeprefix(f"{KEY}.").replace("[", ".").replace("]", "").split(".")
    for number in range(len(steps)):
        nodes = settings.at(steps[:number])
        known = {key for node in nodes for key in settings.keys(node)}
        named = "<name>" in known or steps[number].isdigit()
        if not steps[number] or (steps[number] not in known and not named):
            raise _unknown(what, steps, number, sorted(known))
    nodes = settings.at(steps)
    if not nodes:
        raise _unknown(what, steps, len(steps) - 1, [])
    above = [kind for node in settings.at(steps[:-1]) for kind in settings.kinds(node)]
    required = any(steps[-1] in kind.get("required", ()) for kind in above)
    return _key(".".join(steps), settings, nodes, required=required)


def _unknown(what: str, steps: list[str], number: int, known: list[str]) -> UsageError:
    above = ".".join(steps[:number])
    candidates = [".".join([*steps[:number], key, *steps[number + 1 :]]) for key in known]
    near = difflib.get_close_matches(what, [*candidates, *ALL], n=1)
    allowed = f"one of {', '.join(known)} below {above or KEY}" if known else "a key, or a rule"
    if not number:
        allowed += ", or a rule of docs/reference/policies.md"
    change = f"did you mean `pai explain {near[0]}`?" if near else "name one of these"
    return UsageError(Problem("RULE|KEY", what, allowed, change))


def _rule(rule: Described) -> Explanation:
    document = {
        "rule": rule.id,
        "requires": rule.what,
        "reason": rule.why,
        "remedy": rule.remedy,
        "level": str(rule.level),
        "severity": str(rule.severity),
        "kinds": sorted(rule.kinds),
        "frameworks": list(rule.frameworks),
    }
    lines = [(key, ", ".join(v) if isinstance(v, list) else v) for key, v in document.items()]
    return Explanation([(title, text) for title, text in lines if text], document)


def _key(path: str, settings: Schema, nodes: list[Node], *, required: bool) -> Explanation:
    node = nodes[0]
    kinds = [kind for each in nodes for kind in settings.kinds(each)]
    allowed = list(dict.fromkeys(text for kind in kinds for text in _allowed(kind)))
    below = settings.keys(node)
    document: dict[str, Any] = {
        "key": path,
        "type": " or ".join(dict.fromkeys(_type(kind) for kind in kinds if _type(kind))),
        "required": required,
        "default": node.get("default"),
        "allowed": allowed,
        "meaning": _meaning(settings, node),
        "keys": {name: _meaning(settings, each) for name, each in below.items()},
    }
    default = "required" if required else json.dumps(node.get("default"))
    lines = [
        (path, document["meaning"]),
        ("type", document["type"]),
        ("default", default if required or "default" in node else ""),
        *(("allowed", text) for text in allowed),
        *((f"  {name}", text) for name, text in document["keys"].items()),
    ]
    return Explanation([(title, text) for title, text in lines if text], document)


def _meaning(settings: Schema, node: Node) -> str:
    texts = [node.get("description"), *(kind.get("description") for kind in settings.kinds(node))]
    return " ".join(next((text for text in texts if text), "").split())


def _type(kind: Node) -> str:
    if "enum" in kind or "const" in kind or kind.get("type") == "null":
        return "" if kind.get("type") == "null" else _TYPES.get(kind.get("type", ""), "text")
    return _TYPES.get(kind.get("type", ""), "")


def _allowed(kind: Node) -> list[str]:
    if "enum" in kind:
        return [f"one of {', '.join(map(str, kind['enum']))}"]
    if "const" in kind:
        return [str(kind["const"])]
    limits = [text.format(kind[name]) for name, text in _LIMITS.items() if name in kind]
    return [", ".join(limits)] if limits else []
