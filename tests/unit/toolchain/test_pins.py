"""The table of parts, and the pins that it names."""

import re
import shutil
from pathlib import Path

import pytest

from toolchain import pins as parts
from toolchain.locate import sdk_versions
from toolchain.pins import DATA, MODULES, PARTS
from toolchain.version import order


def _pin(module: str, path: str) -> str:
    text = (MODULES / module / "go.mod").read_text()
    match = re.search(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", text, re.MULTILINE)
    assert match, f"{module}/go.mod does not require {path}"
    return match[1]


@pytest.mark.parametrize("module", sorted({entry.module for entry in PARTS}))
def test_every_module_is_pinned_by_a_go_mod_and_a_go_sum(module: str) -> None:
    assert (MODULES / module / "go.mod").stat().st_size
    assert (MODULES / module / "go.sum").stat().st_size


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("kube-apiserver", "k8s.io/kubernetes"),
        ("kube-controller-manager", "k8s.io/kubernetes"),
        ("kube-scheduler", "k8s.io/kubernetes"),
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("kwok", "sigs.k8s.io/kwok"),
        ("pulumi", "github.com/pulumi/pulumi/pkg/v3"),
        ("pulumi-language-python", "github.com/pulumi/pulumi/sdk/v3"),
    ],
)
def test_a_program_is_stamped_with_the_version_that_its_module_pins(name: str, path: str) -> None:
    part = next(part for part in PARTS if part.name == name)
    assert part.version == _pin(part.module, path)


@pytest.mark.parametrize(
    ("name", "module", "path"),
    [
        (
            "pulumi-resource-kubernetes",
            "provider-kubernetes",
            "github.com/pulumi/pulumi-kubernetes/provider/v4",
        ),
        (
            "pulumi-resource-random",
            "providers-terraform/internal-of/random",
            "github.com/terraform-providers/terraform-provider-random",
        ),
        (
            "pulumi-resource-tls",
            "providers-terraform/internal-of/tls",
            "github.com/hashicorp/terraform-provider-tls",
        ),
    ],
)
def test_a_plugin_is_stamped_with_the_commit_that_it_is_built_from(
    name: str, module: str, path: str
) -> None:
    commit = _pin(module, path).split("-", 1)[1].removeprefix("0.")
    assert commit in next(part for part in PARTS if part.name == name).version


@pytest.mark.parametrize("data", DATA, ids=lambda data: data.name)
def test_the_data_of_a_module_are_of_the_version_that_is_pinned(data: parts.Data) -> None:
    assert data.version == _pin(data.module, data.path)


def test_the_staging_modules_are_of_the_same_kubernetes_release() -> None:
    text = (MODULES / "cluster" / "go.mod").read_text()
    replaced = re.findall(r"=> k8s\.io/\S+ (v\S+)", text)
    minor = _pin("cluster", "k8s.io/kubernetes").removeprefix("v1.")
    assert set(replaced) == {f"v0.{minor}"}


@pytest.mark.parametrize("part", [p for p in PARTS if p.sdk], ids=lambda part: part.name)
def test_no_built_plugin_is_older_than_its_sdk(part: parts.Part) -> None:
    assert part.sdk is not None
    assert order(part.version) >= order(sdk_versions()[part.sdk])


@pytest.fixture
def a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> parts.Part:
    shutil.copytree(MODULES / "providers-terraform", tmp_path / "module")
    monkeypatch.setattr(parts, "MODULES", tmp_path)
    return parts.Part(
        name="p", group="pulumi", module="module", package="./tls", version="1.0.0", note="old"
    )


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "tls/main.go", "internal-of/tls/go.mod"])
def test_a_part_is_built_again_when_a_pin_or_a_source_changes(
    a_part: parts.Part, tmp_path: Path, file: str
) -> None:
    before = a_part.key
    with (tmp_path / "module" / file).open("a") as opened:
        opened.write("// changed\n")
    assert a_part.model_copy().key == before, "the key of one object is taken once"
    assert parts.Part.model_validate(a_part.model_dump()).key != before


def test_a_part_is_built_again_when_its_stamp_changes_but_not_for_a_note(
    a_part: parts.Part,
) -> None:
    line = a_part.model_dump()
    assert parts.Part.model_validate({**line, "version": "1.0.1"}).key != a_part.key
    assert parts.Part.model_validate({**line, "note": "new"}).key == a_part.key


def test_link_flags_stamp_the_version_into_every_variable_named() -> None:
    flags = next(part for part in PARTS if part.name == "kube-apiserver").link_flags
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "-X k8s.io/client-go/pkg/version.gitVersion=v1.36.3" in flags
    assert "-X k8s.io/component-base/version.gitMinor=36" in flags


def test_the_go_that_is_needed_is_the_newest_that_any_module_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in {p.module for p in PARTS} | {d.module for d in DATA}:
        (tmp_path / module).mkdir()
        asks = {"kwok": "1.26.10", "crds": "1.9"}.get(module, "1.26.9")
        (tmp_path / module / "go.mod").write_text(f"module m\n\ngo {asks}\n")
    monkeypatch.setattr(parts, "MODULES", tmp_path)
    assert parts.go_version() == (1, 26, 10)
