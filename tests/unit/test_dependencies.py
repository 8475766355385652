"""Direct imports are declared dependencies, not packages that happen to be installed."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.paths import ROOT

with (ROOT / "pyproject.toml").open("rb") as file:
    PROJECT = tomllib.load(file)["project"]

PRODUCT = [
    *(
        "base",
        "catalog",
        "cli",
        "components",
        "config",
        "policies",
        "preflight",
        "review",
        "sim",
        "sizing",
    ),
    *("toolchain", "weights"),
]
INSIDE_CONTAINERS = {"fastapi", "jwt", "litellm"}
"""Imported only by files that are mounted into an image that has them."""


def names(requirements: list[str]) -> set[str]:
    """The normalised distribution names of *requirements*."""
    found = (re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0] for requirement in requirements)
    return {normal(name) for name in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: str) -> dict[str, Path]:
    """Top-level modules that the files of *folder* import, each with one file that does."""
    found: dict[str, Path] = {}
    for file in [*(ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            else:
                continue
            for module in modules:
                found.setdefault(module.partition(".")[0], file.relative_to(ROOT))
    return found


def undeclared(folder: str, declared: set[str]) -> dict[str, Path]:
    """Third-party modules that *folder* imports of distributions not in *declared*."""
    installed, own = packages_distributions(), {*PRODUCT, "tests"}
    return {
        module: file
        for module, file in imported(folder).items()
        if module not in sys.stdlib_module_names | own | INSIDE_CONTAINERS
        and not {normal(name) for name in installed.get(module, [])} & declared
    }


@pytest.mark.parametrize("package", PRODUCT)
def test_the_product_imports_only_what_it_declares(package: str) -> None:
    assert undeclared(package, names(PROJECT["dependencies"])) == {}


def test_the_tests_import_only_what_the_project_declares() -> None:
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert undeclared("tests", names(declared)) == {}
