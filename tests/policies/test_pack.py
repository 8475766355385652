"""The pack as Pulumi starts it: a folder, run from wherever the program is."""

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.waivers import FILE
from tests.paths import ROOT

_PACK = ROOT / "policies"
_RUN = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1"]
_ENGINE = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)"
_PATIENCE_SECONDS = 60


@pytest.mark.parametrize("alone", [False, True], ids=["in its checkout", "with base alone"])
def test_the_pack_starts_for_any_program_and_says_which_policies_enforce(
    tmp_path: Path, alone: bool
) -> None:
    pack = _PACK
    if alone:
        for name in ("policies", "base"):
            shutil.copytree(ROOT / name, tmp_path / "pack" / name)
        pack = tmp_path / "pack" / "policies"
    command = [*_RUN, str(pack)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = analyzer_pb2_grpc.AnalyzerStub(channel)
                info = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=30)
        finally:
            process.kill()
    assert info.name == "private-ai"
    assert {policy.name: policy.enforcementLevel for policy in info.policies} == {
        "objects": 1,
        "stack": 1,
        "harden": 2,
    }
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert info.version == tomllib.load(file)["project"]["version"]


@pytest.mark.slow
def test_an_engine_that_is_killed_leaves_no_server(tmp_path: Path) -> None:
    """The standard output of both is closed once neither is left."""
    engine = subprocess.Popen(
        [sys.executable, "-c", _ENGINE, *_RUN, str(_PACK)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert engine.stdout is not None
    assert int(engine.stdout.readline())
    try:
        engine.kill()
        engine.communicate(timeout=_PATIENCE_SECONDS)  # raises TimeoutExpired while a server runs
    finally:
        with suppress(ProcessLookupError):
            os.killpg(engine.pid, signal.SIGKILL)


def test_a_file_of_waivers_that_cannot_be_read_ends_the_pack_with_its_problem(
    tmp_path: Path,
) -> None:
    (tmp_path / "waivers.yaml").write_text("waivers: [")
    command = [*_RUN, str(_PACK)]
    environment = {**os.environ, FILE: str(tmp_path / "waivers.yaml")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{FILE}: waivers.yaml\n    got:      line 2, column ")
    assert "Traceback" not in done.stderr
