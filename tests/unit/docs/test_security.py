"""The security pages speak of versions, files and tests that there are."""

import ast
import re
import tomllib

from tests.paths import ROOT

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_the_threat_model_names_is_there() -> None:
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text()
    named = _TEST.findall(page)

    assert len(named) > 5
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, file


def test_the_version_that_is_supported_is_the_one_of_the_project() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        major, minor, _ = tomllib.load(file)["project"]["version"].split(".")

    assert f"| {major}.{minor}.x, its newest release | yes |" in (ROOT / "SECURITY.md").read_text()


def test_reports_go_through_the_forge() -> None:
    """An address would be wrong in every copy of this repository."""
    page = (ROOT / "SECURITY.md").read_text()

    assert "private reporting" in page
    assert not re.search(r"[\w.]+@[\w.]+\.\w+|https?://", page)
