"""The pack as Pulumi starts it: a folder, run from wherever the program is."""

import subprocess
import sys
from pathlib import Path

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2_grpc

from tests.paths import ROOT

_PACK = ROOT / "policies"


def test_the_pack_starts_outside_its_checkout_and_says_which_policies_enforce(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(_PACK)]
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
