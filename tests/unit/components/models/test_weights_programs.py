"""The programs that download and verify weights, once for all models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from components.models.weights_programs import WeightsPrograms, WeightsProgramsArgs
from config.settings.model_store import Source
from tests.hub import COMMIT, REPOSITORY
from tests.mirrors import CREDENTIALS, FILES, mirror
from tests.support import Recorded, deploy, tier
from weights.sources import MODULES, SourceKind

pytestmark = pytest.mark.slow

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
KINDS: tuple[SourceKind, ...] = get_args(SourceKind)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> SourceKind:
    return request.param


@pytest.fixture(scope="module")
def asked(kind: SourceKind) -> Recorded:
    def program() -> None:
        args = WeightsProgramsArgs(tier=tier("models"), kind=kind)
        WeightsPrograms("weights-programs", args)

    return deploy(program)


def modules(asked: Recorded, use: str) -> dict[str, str]:
    """The files of the ConfigMap for *use*."""
    return asked.one(CONFIG_MAP, f"weights-programs-{use}").inputs["data"]


@pytest.fixture
def mounted(asked: Recorded, tmp_path: Path) -> Path:
    """What the download's pod has on PYTHONPATH: the files of both ConfigMaps, nothing else."""
    package = tmp_path / "program" / "weights"
    package.mkdir(parents=True)
    for use in ("verify", "fetch"):
        for name, text in modules(asked, use).items():
            (package / name).write_text(text)
    return package


def alone(start: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script *start* without anything that is installed here."""
    script = f"import sys; sys.path.insert(0, sys.argv[1]); {start}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_verifier_holds_nothing_of_where_weights_come_from(asked: Recorded) -> None:
    """Every model server rolls when it changes."""
    assert set(modules(asked, "verify")) == {
        "__init__.py",
        "errors.py",
        "files.py",
        "manifest.py",
        "verify.py",
    }


def test_the_download_holds_the_module_of_its_source_and_of_no_other(
    asked: Recorded, kind: SourceKind
) -> None:
    assert set(modules(asked, "fetch")) == {
        "transport.py",
        "sources.py",
        f"{MODULES[kind]}.py",
        "fetch.py",
    }


def test_each_kind_of_source_that_can_be_set_has_a_module() -> None:
    members = get_args(get_args(Source)[0])
    kinds = {get_args(member.model_fields["kind"].annotation)[0] for member in members}

    assert len(kinds) == len(members)
    assert set(KINDS) == set(MODULES) == kinds


def test_each_module_is_imported_with_what_the_config_maps_hold(mounted: Path) -> None:
    names = sorted(f"weights.{file.stem}" for file in mounted.glob("[!_]*.py"))
    start = "import importlib; [importlib.import_module(name) for name in sys.argv[2:]]"
    done = alone(start, str(mounted.parent), *names)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_model_is_fetched_with_what_the_config_maps_hold(
    mounted: Path, kind: SourceKind, tmp_path: Path
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (tmp_path / "credential").write_text(CREDENTIALS[kind])
    with mirror(kind) as source:
        request = {
            "source": source,
            "authority": "",
            "repository": REPOSITORY,
            "revision": COMMIT,
            "only": [],
            "pickles": [],
            "sha256": {},
            "volume": str(volume),
            "stamps": str(volume / ".verified"),
        }
        done = alone(
            "import runpy; del sys.argv[1];"
            "runpy.run_module('weights.fetch', run_name='__main__', alter_sys=True)",
            str(mounted.parent),
            json.dumps(request),
            str(tmp_path / "credential"),
        )

    assert (done.returncode, done.stderr) == (0, "")
    for name, content in FILES.items():
        assert (volume / COMMIT / name).read_bytes() == content


def test_they_are_in_the_namespace_of_the_model_servers(asked: Recorded) -> None:
    assert {a.inputs["metadata"]["namespace"] for a in asked.of(CONFIG_MAP)} == {"models"}
