"""What deploys: every locked package and every module, each with its hash."""

import re
import tomllib
from pathlib import Path

import pytest

from review.sbom.deploying import deployer_items
from review.sbom.document import Item
from tests.paths import ROOT
from toolchain.pins import PARTS


@pytest.fixture(scope="module")
def items() -> dict[str, Item]:
    return {item.ref: item for item in deployer_items(ROOT)}


def test_every_package_of_the_lock_is_there_with_all_its_hashes(items: dict[str, Item]) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = [item for ref, item in items.items() if ref.startswith("pkg:pypi/")]

    assert len(packages) == len(re.findall("(?m)^[a-z].*==", lock))
    assert sum(len(item.sha256) for item in packages) == lock.count("--hash=sha256:")
    assert all(item.sha256 for item in packages)


def test_what_only_development_needs_is_no_part_of_a_deployment(items: dict[str, Item]) -> None:
    scopes = {item.name: item.scope for ref, item in items.items() if ref.startswith("pkg:pypi/")}

    assert (scopes["pulumi"], scopes["typer"], scopes["pytest"]) == (
        "required",
        "required",
        "excluded",
    )
    assert scopes["grpcio"] == "required"  # declared, and asked for by pulumi
    assert scopes["pluggy"] == "excluded"  # of pytest


def test_every_program_of_pulumi_has_its_license_and_its_modules(items: dict[str, Item]) -> None:
    programs = {
        item.name: item
        for ref, item in items.items()
        if ref.startswith("pkg:generic/") and item.name != "private-ai"
    }
    pinned = {part.name: part for part in PARTS if part.group == "pulumi"}

    assert programs.keys() == pinned.keys()
    for name, program in programs.items():
        assert program.license == pinned[name].license
        assert set(program.needs) <= items.keys()
    kubernetes = programs["pulumi-resource-kubernetes"].needs
    assert [ref for ref in kubernetes if "/pulumi-kubernetes/provider/v4@" in ref]


def test_every_module_has_the_hash_of_go_sum(items: dict[str, Item]) -> None:
    modules = [item for ref, item in items.items() if ref.startswith("pkg:golang/")]

    assert len(modules) > 100
    assert all(item.properties["go.sum"].startswith("h1:") for item in modules)


def test_what_go_mod_replaces_is_named_as_what_is_compiled(items: dict[str, Item]) -> None:
    names = {item.name for item in items.values()}

    assert "github.com/tgummerer/clipboard" in names
    assert not [name for name in names if name.startswith("./")]


def test_the_project_is_the_one_of_pyproject(items: dict[str, Item]) -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]

    assert f"pkg:generic/private-ai@{version}" in items


def test_a_package_that_is_not_installed_has_no_license_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\nlicense = "MIT"\ndependencies = ["Not_There>=1"]\n'
    )
    (tmp_path / "requirements.lock").write_text("not-there==1.0 \\\n    --hash=sha256:" + "0" * 64)
    [package] = [i for i in deployer_items(tmp_path) if i.ref.startswith("pkg:pypi/")]

    assert (package.license, package.scope) == ("NOASSERTION", "required")
