"""What `vllm serve` accepts, read from the dataclasses and `add_argument` calls that declare it."""

import argparse
import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.python_source import Module, Package, atoms, literals

Takes = Literal["nothing", "one", "many", "optional"]

_ENGINE = "vllm.engine.arg_utils"
_FRONTEND = "vllm.entrypoints.common.cli_args"


@dataclass(frozen=True)
class Argument:
    """One option of `vllm serve`."""

    flags: tuple[str, ...]
    """Its spellings, but for negations."""
    negations: tuple[str, ...]
    """The spellings that turn a boolean off."""
    takes: Takes
    """How many values follow a spelling."""
    type: str
    """`int`, `float`, `str`, `json` or `number` (an integer such as 32k), whichever it must be."""
    choices: tuple[str, ...] | None
    """The values allowed, where vLLM checks them while parsing."""


def declared(package: Package) -> list[Argument]:
    """Every option of `vllm serve`."""
    front, engine = package.module(_FRONTEND), package.module(_ENGINE)
    return [
        *_called(front, front.functions["make_arg_parser"]),
        *_frontend(front),
        *_called(engine, engine.method("EngineArgs", "add_cli_args")),
        *_called(engine, engine.method("AsyncEngineArgs", "add_cli_args")),
    ]


class Parser(argparse.ArgumentParser):
    """An argument parser that raises RefusedError where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        """Refuse."""
        raise RefusedError(message)


def add(parser: argparse.ArgumentParser, argument: Argument) -> None:
    """Make *parser* accept *argument* as vLLM's does."""
    dest = argument.flags[-1].lstrip("-").replace("-", "_")
    for flag in argument.flags:
        if flag.startswith("--"):
            dest = flag.lstrip("-").replace("-", "_")
    if argument.takes == "nothing":
        parser.add_argument(*argument.flags, dest=dest, action="store_true", default=None)
        if argument.negations:
            parser.add_argument(*argument.negations, dest=dest, action="store_false", default=None)
        return
    parser.add_argument(
        *argument.flags,
        dest=dest,
        type=_TYPES[argument.type],
        nargs={"one": None, "many": "+", "optional": "?"}[argument.takes],
        choices=[_TYPES[argument.type](c) for c in argument.choices] if argument.choices else None,
    )


def _number(text: str) -> int:
    """An integer with k, m, g, t (decimal) or K, M, G, T (binary), or auto, as vLLM reads it."""
    if text in {"auto", "-1"}:
        return -1
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([kmgtKMGT])", text):
        number, suffix = match.groups()
        power: int = "kmgt".index(suffix.lower()) + 1
        if suffix.islower():
            return int(float(number) * pow(1000, power))
        return int(number) * int(pow(1024, power))
    return int(text)


_TYPES: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "json": json.loads,
    "number": _number,
}


def undotted(words: Sequence[str]) -> list[str]:
    """`--x_y` as `--x-y`, and `--x.key value` as one JSON value of `--x`."""
    result: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            result.append(word)
            continue
        option, dot, path = name.partition(".")
        option = option.replace("_", "-")
        if not dot:
            result.append(f"{option}{equals}{value}")
            continue
        result += [option, json.dumps({path: value if equals else next(rest, "")})]
    return result


_HUMAN_READABLE = frozenset(
    {
        "max_model_len",
        "max_num_batched_tokens",
        "max_num_scheduled_tokens",
        "kv_cache_memory_bytes",
        "safetensors_prefetch_block_size",
        "max_num_queued_tokens",
    }
)
"""arg_utils.py, _compute_kwargs: human_readable_int_args, and max_model_len."""


def _frontend(module: Module) -> list[Argument]:
    """FrontendArgs: a field is an option, but for what `_customize_cli_kwargs` changes."""
    classes = ["BaseFrontendArgs", "FrontendArgs"]
    changed: dict[str, dict[str, str]] = {}
    for name in classes:
        for node in ast.walk(module.method(name, "_customize_cli_kwargs")):
            targets = getattr(node, "targets", [])
            for target in targets if isinstance(node, ast.Assign | ast.Delete) else []:
                if (keys := _subscripts(target)) and len(keys) == 2:
                    value = ast.unparse(node.value) if isinstance(node, ast.Assign) else ""
                    changed.setdefault(keys[0], {})[keys[1]] = value
    arguments: list[Argument] = []
    for name in classes:
        for field, annotation in module.fields(name).items():
            argument = _argument((f"--{field.replace('_', '-')}",), field, annotation, module)
            change = changed.get(field, {})
            takes, kind = argument.takes, argument.type
            if "nargs" in change or change.get("action") == "'append'":
                takes = "one"
            if change.get("type") == "json.loads":
                kind = "json"
            arguments.append(
                Argument(argument.flags, argument.negations, takes, kind, argument.choices)
            )
    return arguments


def _called(module: Module, function: ast.FunctionDef) -> list[Argument]:
    """The `add_argument` calls of *function*."""
    tables: dict[str, tuple[str, str | None]] = {}  # variable -> class, and field if it is one's
    arguments: list[Argument] = []
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and (found := _kwargs_of(node.value, tables))
        ):
            tables[node.targets[0].id] = found
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        flags = tuple(
            word.value
            for word in node.args
            if isinstance(word, ast.Constant) and isinstance(word.value, str)
        )
        if node.func.attr == "add_argument" and flags and flags[0].startswith("-"):
            arguments.append(_from_call(module, flags, node.keywords, tables))
    return arguments


def _from_call(
    module: Module,
    flags: tuple[str, ...],
    keywords: Sequence[ast.keyword],
    tables: Mapping[str, tuple[str, str | None]],
) -> Argument:
    explicit = {word.arg: word.value for word in keywords if word.arg}
    action = ast.unparse(explicit["action"]) if "action" in explicit else ""
    if "BooleanOptionalAction" in action:
        return Argument(flags, _negations(flags), "nothing", "str", None)
    if action == "'store_true'":
        return Argument(flags, (), "nothing", "str", None)
    for spread in (word.value for word in keywords if word.arg is None):
        found = _kwargs_of(spread, tables)
        if found and found[1]:
            owner, field = found[0], found[1]
            declared, annotation = module.field(owner, field)
            return _argument(flags, field, annotation, declared)
    kind = ast.unparse(explicit["type"]) if "type" in explicit else "str"
    choices = None
    if "choices" in explicit:
        try:
            choices = tuple(map(str, ast.literal_eval(explicit["choices"])))
        except ValueError:
            choices = None  # computed from the platform
    return Argument(flags, (), "one", kind if kind in _TYPES else "str", choices)


def _kwargs_of(
    value: ast.expr, tables: Mapping[str, tuple[str, str | None]]
) -> tuple[str, str | None] | None:
    """Class and field that an expression over `get_kwargs(Class)` stands for."""
    if isinstance(value, ast.Name):
        return tables.get(value.id)
    if isinstance(value, ast.Dict):  # {**kwargs["field"], "default": None}
        inner = (each for key, each in zip(value.keys, value.values, strict=True) if key is None)
        return _kwargs_of(next(inner), tables)
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "get_kwargs":
        return ast.unparse(value.args[0]), None
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        found = _kwargs_of(value.value, tables)
        return (found[0], str(value.slice.value)) if found and found[1] is None else None
    return None


def _subscripts(target: ast.expr) -> list[str]:
    """`x["a"]["b"]` as ["a", "b"]."""
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return [*_subscripts(target.value), str(target.slice.value)]
    return []


def _argument(flags: tuple[str, ...], field: str, annotation: ast.expr, module: Module) -> Argument:
    """As _compute_kwargs of arg_utils.py makes it of a dataclass field, in the same order."""
    kinds = atoms(annotation, module)
    choices = literals(annotation, module)
    takes: Takes = "one"
    kind = "str"
    allowed: tuple[str, ...] | None = None
    negations: tuple[str, ...] = ()
    if "dataclass" in kinds:
        kind = "json"
    elif kinds == {"bool", "str", "None"}:
        takes = "optional"
    elif "bool" in kinds:
        takes, negations = "nothing", _negations(flags)
    elif choices:
        kind = "int" if all(re.fullmatch(r"-?\d+", choice) for choice in choices) else "str"
        allowed = None if "str" in kinds else tuple(sorted(choices))
    elif kinds & {"tuple", "list", "set"}:
        takes, kind = "many", "int" if "int-elements" in kinds else "str"
    elif "int" in kinds:
        kind = "number" if field in _HUMAN_READABLE else "int"
    elif "float" in kinds:
        kind = "float"
    elif "dict" in kinds and not kinds & {"str", "other"}:
        kind = "json"
    return Argument(flags, negations, takes, kind, allowed)


def _negations(flags: Sequence[str]) -> tuple[str, ...]:
    """The `--no-x` of argparse, and what vLLM's EnableDisableAction adds."""
    negations = [f"--no-{flag[2:]}" for flag in flags if flag.startswith("--")]
    for ours, inverse in (("--enable-", "--disable-"), ("--disable-", "--enable-")):
        negations += [inverse + flag.removeprefix(ours) for flag in flags if flag.startswith(ours)]
    return tuple(negations)
