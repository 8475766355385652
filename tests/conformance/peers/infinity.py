"""Infinity's own source, out of its wheel: the truth about its command line and environment."""

import ast
import sys
import zipfile
from functools import cache as once
from pathlib import Path

from tests.conformance.peers import cache
from tests.conformance.peers.python_source import Package

VERSION = "0.0.78"
_SHA256 = "9e36195da10afb59aec97e348f6b08edf3aac540c66a22d54e4fe896cb01d8df"
_ENUMS = {"--engine": "InferenceEngine", "--device": "Device", "--dtype": "Dtype"}
"""Options whose values are an enumeration's."""


@once
def source() -> Package:
    """Its modules."""
    return Package(cache.installed("infinity-emb", VERSION, "100 kB from PyPI", _install))


def options() -> frozenset[str]:
    """Every option of `infinity_emb v2`, as typer makes them of the function's parameters."""
    found: set[str] = set()
    for node in ast.walk(source().module("infinity_emb.cli").tree):
        if isinstance(node, ast.FunctionDef) and node.name == "v2":
            for argument in node.args.args:
                option = argument.arg.replace("_", "-")
                found.add(f"--{option}")
                if argument.annotation and "bool" in ast.unparse(argument.annotation):
                    found.add(f"--no-{option}")
    return frozenset(found)


def values(option: str) -> frozenset[str]:
    """What *option* may be, of those with a fixed set of values."""
    module = source().module("infinity_emb.primitives")
    return frozenset(
        str(value.value)
        for node in module.classes[_ENUMS[option]].body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(value := node.value, ast.Constant)
    )


def variables() -> frozenset[str]:
    """What its settings are called in the environment (`env.py`, `to_name`)."""
    module = source().module("infinity_emb.env")
    text = ast.unparse(module.tree)
    methods = {node.name for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    named = {f"INFINITY_{name.upper()}" for name in methods}
    return frozenset(named | {name for name in ("INFINITY_HOME", "DO_NOT_TRACK") if name in text})


def _install(folder: Path) -> None:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"infinity-emb=={VERSION} --hash=sha256:{_SHA256}\n")
    cache.call(
        "Infinity",
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:"),
            *("--require-hashes", "-r", str(requirement), "-d", str(folder)),
        ],
        "see that pip reaches PyPI, then run the tests again",
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder, [name for name in files.namelist() if name.endswith(".py")])
    wheel.unlink()
