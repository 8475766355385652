"""The environment that `pai env` prints, and the launcher that it puts first on PATH."""

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from toolchain import cache, environment
from toolchain.errors import ToolchainError
from toolchain.existing import LAUNCHER, ExistingPulumi
from toolchain.locate import Toolchain

pytestmark = pytest.mark.slow

_FAKE = """#!/bin/sh
echo "$PWD: $@" >> "$LOG"
case "$*" in
  *"stack ls"*) echo '[{"name": "organization/private-ai/local"}]';;
  *"stack --show-name"*) [ -n "$SELECTED" ] && echo "$SELECTED" || exit 255;;
  *) echo "file=$PULUMI_OPTION_CONFIG_FILE"; echo "args=$*"
     echo "skips=$PULUMI_SKIP_CHECKPOINTS";;
esac
"""


class Shell:
    """A machine whose `pulumi` notes what it is asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        for name in list(os.environ):
            if name.startswith(("PULUMI_", "PRIVATE_AI_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("PAI_CACHE", str(folder / "cache"))
        monkeypatch.setenv("LOG", str(folder / "log"))
        self.pulumi = folder / "pulumi"
        self.pulumi.write_text(_FAKE)
        self.pulumi.chmod(0o755)
        found = ExistingPulumi(program=self.pulumi, version="3.256.0", usable=True)
        self.found = Toolchain(found)
        self.built = Toolchain(None)

    def simulated(self, **shell: str) -> dict[str, str]:
        """The exports for a simulated cluster in a shell of these variables."""
        return environment.exports(self.found, Path("/k"), simulated=True, env=shell)

    def real(self, shell: dict[str, str], toolchain: Toolchain | None = None) -> dict[str, str]:
        """The exports for a real cluster."""
        chosen = toolchain or self.built
        return environment.exports(chosen, Path("/k"), simulated=False, env=shell)

    def launch(self, *words: str, **variables: str) -> dict[str, str]:
        """What the real CLI gets when the launcher is started in the project `program`."""
        exported = self.simulated(PATH=os.environ["PATH"])
        done = subprocess.run(
            [sys.executable, LAUNCHER / "pulumi", *words],
            cwd=self.folder / "program",
            env={**os.environ, **exported, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(line.split("=", 1) for line in done.stdout.splitlines())


_STACK = "# a comment\n\nconfig:\n    private-ai:replicas:   3\nencryptionsalt: v1:theirs\n"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    work = tmp_path / "program" / "deep"
    work.mkdir(parents=True)
    (work.parent / "Pulumi.yaml").write_text("name: private-ai\n")
    (work.parent / "Pulumi.prod.yaml").write_text(_STACK)
    return Shell(tmp_path, monkeypatch)


def test_the_simulated_state_lies_in_the_cache_and_its_folder_is_made(shell: Shell) -> None:
    state = cache.root() / "state"
    assert shell.simulated()["PULUMI_BACKEND_URL"] == f"file://{state}"
    assert state.is_dir()


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(shell: Shell) -> None:
    file = Path(shell.simulated()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    first = file.read_text()
    assert len(first) >= 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shell.simulated()
    assert file.read_text() == first


def test_two_machines_have_two_passphrases(shell: Shell) -> None:
    first = Path(shell.simulated()["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text()
    shell.monkeypatch.setenv("PAI_CACHE", str(shell.folder / "other"))
    assert Path(shell.simulated()["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text() != first


def test_no_export_holds_the_passphrase(shell: Shell) -> None:
    exported = shell.simulated()
    secret = Path(exported["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text()
    assert not any(secret in value for value in exported.values())


def test_the_launcher_comes_first_on_path_then_the_python_of_the_project(shell: Shell) -> None:
    path = shell.simulated(PATH="/usr/bin")["PATH"].split(os.pathsep)
    assert path == [str(LAUNCHER), str(Path(sys.executable).parent), "/usr/bin"]


def test_a_second_pai_env_in_the_same_shell_changes_nothing(shell: Shell) -> None:
    once = shell.simulated(PATH="/usr/bin")
    assert shell.simulated(**once) == once


def test_built_parts_bring_their_home_and_never_download(shell: Shell) -> None:
    exported = shell.real({"PULUMI_BACKEND_URL": "s3://b", "PULUMI_CONFIG_PASSPHRASE": "x"})
    assert exported["PULUMI_HOME"] == str(shell.built.home)
    assert exported["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert str(shell.built.home / "bin") in exported["PATH"].split(os.pathsep)


def test_a_found_pulumi_keeps_its_home_and_fetches_its_plugins(shell: Shell) -> None:
    exported = shell.simulated()
    assert "PULUMI_HOME" not in exported
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in exported


def test_the_policy_pack_is_on_without_a_flag_on_both_kinds_of_cluster(shell: Shell) -> None:
    pack = str(environment.PROJECT / "policies" / "pack")
    assert shell.simulated()["PULUMI_OPTION_POLICY_PACK"] == pack
    assert shell.real({}, shell.found)["PULUMI_OPTION_POLICY_PACK"] == pack
    assert os.access(pack, os.X_OK)


def test_a_real_cluster_gets_neither_our_state_nor_our_passphrase(shell: Shell) -> None:
    exported = shell.real({"PULUMI_BACKEND_URL": "s3://b", "PULUMI_CONFIG_PASSPHRASE_FILE": "/p"})
    assert exported["KUBECONFIG"] == "/k"
    assert not {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"} & exported.keys()
    assert str(LAUNCHER) not in exported["PATH"]


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({}, r"PULUMI_BACKEND_URL\s+got: +nothing"),
        ({"PULUMI_BACKEND_URL": "s3://b"}, r"PULUMI_CONFIG_PASSPHRASE_FILE\s+got: +nothing"),
    ],
)
def test_a_real_cluster_needs_a_state_and_a_passphrase_of_ones_own(
    shell: Shell, variables: dict[str, str], field: str
) -> None:
    with pytest.raises(ToolchainError, match=field):
        shell.real(variables)


def test_the_simulations_state_and_passphrase_are_refused_for_a_real_cluster(
    shell: Shell,
) -> None:
    left = shell.simulated()
    with pytest.raises(ToolchainError, match=r"got: +the state of the simulated stacks"):
        shell.real(left)
    with pytest.raises(ToolchainError, match=r"got: +the passphrase of the simulated stacks"):
        shell.real({**left, "PULUMI_BACKEND_URL": "s3://b"})


def test_the_pulumi_service_needs_no_passphrase(shell: Shell) -> None:
    assert shell.real({"PULUMI_BACKEND_URL": "https://api.example.org"})


def test_only_stacks_that_are_not_there_are_created_and_beside_the_checkout(
    shell: Shell,
) -> None:
    assert environment.ensure_stacks(shell.simulated(), ["local", "prod"]) == ["prod"]
    lines = (shell.folder / "log").read_text().splitlines()
    created = [line for line in lines if "stack init" in line]
    assert len(created) == 1
    assert created[0].startswith(str(cache.root()))
    assert "stack init prod --no-select" in created[0]


def test_a_refusal_of_the_cli_is_passed_on_without_a_trace(shell: Shell) -> None:
    shell.pulumi.write_text("#!/bin/sh\necho 'error: the lock is held' >&2; exit 255\n")
    with pytest.raises(ToolchainError, match="error: the lock is held"):
        environment.ensure_stacks(shell.simulated(), ["prod"])


@pytest.mark.parametrize(
    "words",
    [
        ["up", "--stack", "prod", "--yes"],
        ["preview", "--stack=prod"],
        ["destroy", "-s", "prod"],
        ["refresh", "-sprod"],
        ["--color", "never", "up", "-s", "organization/private-ai/prod"],
        ["-C", "../program/deep", "up", "-s", "prod"],
    ],
)
def test_the_cli_reads_a_copy_of_the_stack_file_without_the_salt(
    shell: Shell, words: list[str]
) -> None:
    got = shell.launch(*words)
    copy = Path(got["file"])
    assert copy.is_relative_to(cache.root())
    assert copy.read_text() == _STACK.replace("encryptionsalt: v1:theirs\n", "")
    assert got["args"] == " ".join(words)
    assert (shell.folder / "program" / "Pulumi.prod.yaml").read_text() == _STACK


@pytest.mark.parametrize("variable", ["PULUMI_STACK", "PULUMI_OPTION_STACK", "SELECTED"])
def test_the_stack_may_be_named_by_the_shell_or_selected_before(
    shell: Shell, variable: str
) -> None:
    assert shell.launch("up", **{variable: "prod"})["file"].endswith("/Pulumi.prod.yaml")


def test_an_edit_of_the_stack_file_is_seen_by_the_next_command(shell: Shell) -> None:
    copy = Path(shell.launch("up", "-s", "prod")["file"])
    copy.write_text("what the CLI made of it")
    (shell.folder / "program" / "Pulumi.prod.yaml").write_text("config: {}\n")
    shell.launch("up", "-s", "prod")
    assert copy.read_text() == "config: {}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["config", "set", "up", "x", "--stack", "prod"],
        ["up", "--stack", "other"],
        ["up"],
        ["version"],
        ["up", "--stack", "prod", "--config-file", "missing.yaml"],
    ],
)
def test_other_commands_other_stacks_and_a_file_that_is_not_there_pass_as_they_are(
    shell: Shell, words: list[str]
) -> None:
    assert shell.launch(*words)["file"] == ""


@pytest.mark.parametrize(
    "words", [["--config-file", "mine.yaml"], ["--config-file=mine.yaml"]], ids=["apart", "joined"]
)
def test_a_file_of_ones_own_is_read_from_a_copy_without_the_salt_too(
    shell: Shell, words: list[str]
) -> None:
    mine = shell.folder / "program" / "mine.yaml"
    mine.write_text(_STACK)
    got = shell.launch("up", *words, "--stack", "other")
    assert Path(got["file"]).read_text() == _STACK.replace("encryptionsalt: v1:theirs\n", "")
    assert Path(got["file"]).is_relative_to(cache.root())
    assert got["args"] == "up --stack other"
    assert mine.read_text() == _STACK


def test_two_checkouts_do_not_share_a_copy(shell: Shell) -> None:
    first = shell.launch("up", "-s", "prod")["file"]
    (shell.folder / "program").rename(shell.folder / "elsewhere")
    (shell.folder / "program").symlink_to(shell.folder / "elsewhere")
    assert shell.launch("up", "-s", "prod")["file"] != first


def _pai_env(shell: Shell, *words: str) -> str:
    shell.monkeypatch.setattr("toolchain.build.ensure", lambda *_: shell.found)
    kubeconfig = shell.folder / "kubeconfig"
    kubeconfig.touch()
    done = CliRunner().invoke(app, ["env", "--kubeconfig", str(kubeconfig), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_is_printed_is_for_eval_and_nothing_else(shell: Shell) -> None:
    shell.monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.example.org")
    shell.monkeypatch.setenv("PATH", "/a folder:/b'c")
    lines = _pai_env(shell).splitlines()
    assert {line.split()[0] for line in lines} == {"unset", "export"}
    path = next(line for line in lines if line.startswith("export PATH="))
    assert shlex.split(path)[1].endswith("/a folder:/b'c")


def test_json_has_null_for_what_is_to_be_unset(shell: Shell) -> None:
    shell.monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.example.org")
    values = json.loads(_pai_env(shell, "--json"))
    assert values["PRIVATE_AI_PULUMI"] is None
    assert values["KUBECONFIG"] == str(shell.folder / "kubeconfig")


def test_a_kubeconfig_that_is_not_there_is_refused(shell: Shell) -> None:
    done = CliRunner().invoke(app, ["env", "--kubeconfig", str(shell.folder / "none")])
    assert done.exit_code == 2
    assert "--kubeconfig\n    got:" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("platform", "skips"),
    [("disposable: true", "true"), ("disposable: false", ""), ("organization: X", "")],
)
def test_only_a_disposable_stack_does_without_checkpoints(
    shell: Shell, platform: str, skips: str
) -> None:
    text = f"config:\n  private-ai:stack:\n    platform:\n      {platform}\n"
    (shell.folder / "program" / "Pulumi.prod.yaml").write_text(text)

    assert shell.launch("up", "-s", "prod")["skips"] == skips
    assert shell.launch("up", "-s", "prod", PULUMI_SKIP_CHECKPOINTS="false")["skips"] == "false"


def test_an_example_does_without_checkpoints(shell: Shell) -> None:
    file = shell.folder / "program" / "examples" / "mig.yaml"
    file.parent.mkdir()
    file.write_text(_STACK)

    assert shell.launch("up", "-s", "mig", "--config-file", str(file))["skips"] == "true"
