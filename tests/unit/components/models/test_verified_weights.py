"""The gate in front of every server, as the real program that the pod runs, and as the pod."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output

from components.common import scripts
from components.common.contracts import StoredModel
from components.models.verified_weights import VerifiedWeights, verified_weights
from components.models.weights_programs import VERIFIER
from tests.hub import COMMIT, REPOSITORY, WEIGHTS, sha256
from tests.support import deploy, tier
from weights.files import File
from weights.manifest import Manifest

pytestmark = pytest.mark.slow

_START = """
import runpy, sys
program, model, stamps = sys.argv[1:]
sys.path.insert(0, program)
sys.argv = ["verify", model, stamps]
runpy.run_module("weights.verify", run_name="__main__")
"""
"""`python -m weights.verify` without anything that is installed here."""


class Pod:
    """A volume with a verified model, and the init container's program beside it."""

    def __init__(self, root: Path) -> None:
        self._program = root / "program"
        self.stamps = root / "stamps"
        self.folder = root / "models" / COMMIT
        self.model = ""
        for folder in (self._program / "weights", self.stamps, self.folder):
            folder.mkdir(parents=True)
        for module, text in scripts.sources("weights", VERIFIER).items():
            (self._program / "weights" / module).write_text(text)
        files = {"model.safetensors": WEIGHTS, "config.json": b"{}"}
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        listed = tuple(File(n, len(c), sha256=sha256(c)) for n, c in files.items())
        Manifest(REPOSITORY, COMMIT, listed).write(self.folder)
        self.expect()

    def expect(self, **given: Any) -> None:
        """What the stack says that the model is."""
        asked = {"repository": REPOSITORY, "revision": COMMIT, "sha256": {}, **given}
        self.model = json.dumps({"folder": str(self.folder), **asked})

    def start(self, node: str = "gpu-1") -> subprocess.CompletedProcess[str]:
        """Run the init container on *node*."""
        words = [str(self._program), self.model, str(self.stamps)]
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", _START, *words],
            env={"NODE_NAME": node},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_verified_weights_let_the_server_start(pod: Pod) -> None:
    done = pod.start()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 files, 7002 bytes: every byte verified on gpu-1\n"


def test_every_byte_is_read_once_a_node(pod: Pod) -> None:
    said = [pod.start(node).stdout.split(": ")[1] for node in ("gpu-1", "gpu-1", "gpu-2")]

    assert said == [
        "every byte verified on gpu-1\n",
        "unchanged since gpu-1 verified them\n",
        "every byte verified on gpu-2\n",
    ]


def swap(pod: Pod) -> None:
    """Other content of the same size."""
    (pod.folder / "model.safetensors").write_bytes(WEIGHTS.swapcase())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (swap, "/model.safetensors: got wrong content, SHA-256"),
        (
            lambda pod: (pod.folder / "model.safetensors").write_bytes(WEIGHTS[:100]),
            "/model.safetensors: got 100 bytes; allowed: 7000 bytes",
        ),
        (lambda pod: (pod.folder / "config.json").unlink(), "/config.json: got no file"),
        (
            lambda pod: (pod.folder / "tokenizer.json").write_text("{}"),
            "/tokenizer.json: got a file that is not in manifest.json",
        ),
        (
            lambda pod: (pod.folder / "manifest.json").unlink(),
            "nothing to verify the files against",
        ),
        (
            lambda pod: (
                (pod.folder / "config.json").unlink(),
                (pod.folder / "config.json").symlink_to("/etc/hostname"),
            ),
            "/config.json: got no file",
        ),
    ],
)
@pytest.mark.parametrize("stamped", [False, True])
def test_the_server_does_not_start_on_what_is_not_what_was_fetched(
    pod: Pod, damage: Callable[[Pod], None], said: str, stamped: bool
) -> None:
    if stamped:
        assert pod.start().returncode == 0
    damage(pod)
    done = pod.start()

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_node_that_found_a_wrong_file_believes_no_time_of_it_any_more(pod: Pod) -> None:
    pod.start()
    weights = pod.folder / "model.safetensors"
    before = weights.stat().st_mtime_ns
    swap(pod)
    assert pod.start().returncode == 1

    os.utime(weights, ns=(before, before))
    assert pod.start().returncode == 1
    weights.write_bytes(WEIGHTS)
    assert "every byte verified" in pod.start().stdout


def test_a_manifest_that_was_exchanged_with_the_weights_is_caught_by_the_stacks_own_digests(
    pod: Pod,
) -> None:
    digests = {"model.safetensors": sha256(WEIGHTS), "config.json": sha256(b"{}")}
    pod.expect(sha256=digests)
    assert pod.start().returncode == 0
    pod.expect(sha256=digests | {"config.json": "0" * 64})
    done = pod.start()

    assert done.returncode == 1
    assert "allowed: those of the model's sha256" in done.stderr


def test_another_model_in_the_same_place_is_refused(pod: Pod) -> None:
    pod.expect(repository="other/model")
    done = pod.start()

    assert done.returncode == 1
    assert f"got {REPOSITORY} at {COMMIT}; allowed: other/model at {COMMIT}" in done.stderr


def test_a_stamp_that_is_not_whole_counts_for_nothing(pod: Pod) -> None:
    pod.start()
    (pod.stamps / COMMIT / "gpu-1.json").write_text('{"manifest"')

    assert "every byte verified" in pod.start().stdout
    assert [p.name for p in (pod.stamps / COMMIT).iterdir()] == ["gpu-1.json"]


@pytest.fixture(scope="module")
def gate() -> VerifiedWeights:
    found: list[VerifiedWeights] = []

    def program() -> None:
        stored = StoredModel(
            claim=Output.from_input("weights"),
            path=f"/models/{COMMIT}",
            root="/models",
            verifier=Output.from_input("verifier"),
            expected='{"folder":"/models"}',
            size_bytes=100 * 10**9,
            read_rate=10**9,
        )
        found.append(verified_weights(tier(), stored))

    deploy(program)
    return found[0]


def test_the_gate_writes_stamps_and_nothing_else_of_the_volume(gate: VerifiedWeights) -> None:
    init: Any = gate.init
    mounts = {m["mount_path"]: m for m in init["volume_mounts"]}

    assert mounts["/models"] == {"name": "weights", "mount_path": "/models", "read_only": True}
    assert mounts["/stamps"] == {
        "name": "weights",
        "mount_path": "/stamps",
        "read_only": False,
        "sub_path": ".verified",
    }
    assert gate.weights.read_only
    assert gate.weights.volume is not None
    assert [file.name for file in gate.files] == ["weights-verifier"]
    assert all(file.volume is not None for file in gate.files)


def test_the_program_is_shared_by_all_models_and_what_is_expected_is_the_models_own(
    gate: VerifiedWeights,
) -> None:
    init: Any = gate.init
    mounts = {m["name"]: m["mount_path"] for m in init["volume_mounts"]}

    assert mounts["weights-verifier"] == "/opt/private-ai/weights"
    assert init["args"] == ['{"folder":"/models"}', "/stamps"]


def test_the_gate_is_hardened_and_says_why_it_fails_where_a_person_looks(
    gate: VerifiedWeights,
) -> None:
    init: Any = gate.init

    assert init["termination_message_policy"] == "FallbackToLogsOnError"
    assert init["security_context"] == {
        "run_as_user": 10001,
        "run_as_group": 10001,
        "run_as_non_root": True,
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"name", "value_from"} == set(init["env"][-1])
    assert init["command"] == ["python", "-m", "weights.verify"]
