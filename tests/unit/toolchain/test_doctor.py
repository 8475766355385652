"""The status of each part, as the doctor reports it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.toolchain import app
from toolchain import doctor
from toolchain.doctor import PartStatus
from toolchain.existing import ExistingPulumi
from toolchain.locate import Toolchain, folder_of, record
from toolchain.pins import DATA, PARTS


class Machine:
    """An empty cache, and programs that report the versions of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAI_CACHE", str(folder))
        monkeypatch.setenv("PULUMI_HOME", str(folder / "own"))
        self.says: dict[str, str] = {part.name: part.version for part in PARTS}
        self.installed: ExistingPulumi | None = None
        monkeypatch.setattr(
            "toolchain.doctor.reported_version", lambda program: self.says.get(program.name)
        )
        monkeypatch.setattr("toolchain.existing.discover", lambda: self.installed)

    def build(self) -> None:
        """Put an empty file where each part is built."""
        toolchain = Toolchain(None)
        for part in PARTS:
            folder_of(part).mkdir(parents=True)
            (folder_of(part) / part.name).touch()
            record(folder_of(part), part, 1)
        (toolchain.home / "bin").mkdir(parents=True)
        script = next(d for d in DATA if d.name == "pulumi-language-python-exec")
        copy = folder_of(script) / script.keep[0]
        copy.parent.mkdir(parents=True)
        copy.touch()
        toolchain.lay_out()

    def examine(self, name: str) -> PartStatus:
        """The status of one part."""
        return next(part for part in doctor.examine() if part.part == name)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_part_that_is_not_there_is_named_with_the_command_that_makes_it(
    machine: Machine,
) -> None:
    part = machine.examine("etcd")
    assert (part.source, part.good) == ("missing", False)
    assert part.fix == "pai toolchain build cluster"
    assert machine.examine("pulumi").fix == "pai toolchain build pulumi"


def test_a_controller_that_no_stack_has_asked_for_is_not_an_error(machine: Machine) -> None:
    part = machine.examine("keda")
    assert (part.source, part.good) == ("built at first use", True)
    assert part.fix == "pai toolchain build keda"


def test_a_part_that_cannot_say_its_version_is_what_was_built(machine: Machine) -> None:
    machine.build()
    del machine.says["keda"]
    assert machine.examine("keda").version == "v2.18.0"


def test_a_built_part_is_good_and_says_where_it_is(machine: Machine) -> None:
    machine.build()
    part = machine.examine("kube-scheduler")
    assert (part.source, part.good, part.fix) == ("built", True, None)
    assert part.path is not None
    assert part.path.endswith("/kube-scheduler")


def test_a_plugin_older_than_its_sdk_is_not_good(machine: Machine) -> None:
    machine.build()
    machine.says["pulumi-resource-tls"] = "4.11.1"
    part = machine.examine("pulumi-resource-tls")
    assert not part.good
    assert part.version == "4.11.1"
    assert part.needed == "5.2.3"
    assert part.fix == "pip install --requirement requirements.lock"


def test_a_part_that_does_not_answer_is_not_good(machine: Machine) -> None:
    machine.build()
    del machine.says["etcd"]
    assert machine.examine("etcd").fix == "pai toolchain build cluster"


def test_a_pulumi_that_is_too_old_is_mentioned_with_the_reason(machine: Machine) -> None:
    machine.build()
    machine.installed = ExistingPulumi(program=Path("/own/pulumi"), version="3.200.0", usable=False)
    part = machine.examine("pulumi")
    assert part.source == "built"
    assert part.note == "/own/pulumi is not used: 3.200.0 is older than 3.256.0"


def test_a_pulumi_without_its_language_host_is_mentioned_with_the_reason(
    machine: Machine,
) -> None:
    machine.build()
    machine.installed = ExistingPulumi(program=Path("/own/pulumi"), version="3.300.0", usable=False)
    assert "no pulumi-language-python" in machine.examine("pulumi").note


def test_the_plugins_of_a_found_pulumi_are_fetched_by_it(machine: Machine) -> None:
    machine.installed = ExistingPulumi(program=Path("/own/pulumi"), version="3.300.0", usable=True)
    machine.says["pulumi"] = "3.300.0"
    assert machine.examine("pulumi").source == "installed"
    plugin = machine.examine("pulumi-resource-random")
    assert plugin.source == "fetched at first use"
    assert plugin.fix is not None
    assert plugin.fix.startswith("pulumi plugin install resource random 4.")


def test_the_exit_code_and_the_json_are_for_scripts(machine: Machine) -> None:
    lacking = CliRunner().invoke(app, ["doctor", "--json"])
    assert lacking.exit_code == 1
    machine.build()
    whole = CliRunner().invoke(app, ["doctor", "--json"])
    assert whole.exit_code == 0, whole.output
    entries = json.loads(whole.stdout)
    assert {entry["part"] for entry in entries} == {part.name for part in PARTS}
    assert all(entry["version"] for entry in entries)
    del machine.says["etcd"]
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 1, "one missing part is enough"


def test_the_table_says_what_to_do_about_a_missing_part(machine: Machine) -> None:
    assert machine.installed is None
    said = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "160"}).stdout
    row = next(line for line in said.splitlines() if "kube-apiserver" in line)
    assert "missing" in row
    assert "pai toolchain build cluster" in row


def test_the_path_of_a_part_is_printed_or_an_explanation(machine: Machine) -> None:
    missing = CliRunner().invoke(app, ["path", "etcd"])
    assert missing.exit_code == 1
    assert "pai toolchain build cluster" in missing.output
    machine.build()
    there = CliRunner().invoke(app, ["path", "etcd"])
    assert there.stdout.strip().endswith("/etcd")
    assert CliRunner().invoke(app, ["path"]).stdout.strip() == os.environ["PAI_CACHE"]
