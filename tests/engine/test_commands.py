"""`pai` where a shell names a state and a cluster of its own, as for a real one."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from tests.engine.checkout import Checkout, checkout
from tests.engine.sim_support import eventually
from tests.paths import ROOT

PAI = [sys.executable, "-m", "cli.main"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the cluster, the state and the reports."""
    return tmp_path_factory.mktemp("commands")


@pytest.fixture(scope="module")
def empty(folder: Path) -> Iterator[Checkout]:
    """A cluster on which nothing is deployed; its state is written at every step."""
    with checkout("local", folder, kept=True) as copied:
        yield copied


def environment(at: Checkout) -> dict[str, str]:
    return {**at.shell, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def pai(at: Checkout, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PAI, *words],
        cwd=ROOT,
        env=environment(at),
        capture_output=True,
        text=True,
        check=False,
    )


def reviewed(at: Checkout, file: Path) -> str:
    done = pai(at, "review", "--format", "json", "--out", str(file))
    assert done.returncode == ExitCode.DIFFERS, done.stderr
    return str(file)


def of_session(session: int) -> list[str]:
    """The processes that a command started and left behind."""
    found: list[str] = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if os.getsid(int(process.name)) == session:
                    found.append((process / "comm").read_text().strip())
            except OSError:  # it has just ended
                continue
    return found


@pytest.fixture(scope="module")
def interrupted(empty: Checkout, folder: Path) -> Checkout:
    """The stack, of which an interrupted `pai apply` has deployed a part."""
    log = folder / "apply.log"
    approved = reviewed(empty, folder / "first.json")
    with log.open("w") as output:
        running = subprocess.Popen(
            [*PAI, "apply", "--stack", "local", "--reviewed", approved],
            cwd=ROOT,
            env=environment(empty),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    limit = time.monotonic() + 300  # only ends a test that would hang
    while "1 of 19, " not in log.read_text():
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)

    assert running.wait(120) == ExitCode.INTERRUPTED, log.read_text()
    assert "Interrupted: what is left needs a new review" in log.read_text()
    assert of_session(running.pid) == []
    assert list((folder / "state" / ".pulumi" / "locks").rglob("*.json")) == []
    return empty


@pytest.fixture(scope="module")
def deployed(interrupted: Checkout, folder: Path) -> Checkout:
    """The stack, all of it: what an interruption left is reviewed and applied."""
    done = pai(
        interrupted,
        "apply",
        "-s",
        "local",
        "--reviewed",
        reviewed(interrupted, folder / "second.json"),
    )
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    assert "done in " in done.stdout
    return interrupted


def test_an_interrupted_apply_leaves_no_lock_and_can_be_reviewed_and_applied_again(
    deployed: Checkout,
) -> None:
    assert pai(deployed, "review").returncode == ExitCode.DONE


def test_status_names_the_parts_that_are_ready_and_the_addresses(deployed: Checkout) -> None:
    [found] = json.loads(pai(deployed, "status", "--stack", "local", "--json").stdout)

    assert (found["cluster"], found["state"], found["context"]) == ("real", "deployed", "local")
    assert found["urls"]["chat"] == "https://ai.private-ai.test"
    parts = {part["name"]: part for part in found["parts"]}
    assert {"chat", "keycloak-db", "llm-storage", "qdrant", "kong", "rtx-dcgm"} <= set(parts)
    assert parts["qdrant"]["pods"] == parts["qdrant"]["ready"] > 0
    assert found["next"][0].startswith("pai open chat")


def test_status_says_why_a_pod_is_not_ready(deployed: Checkout) -> None:
    api = deployed.cluster.api()
    nodes = [f"/api/v1/nodes/{node['metadata']['name']}" for node in api.items("/api/v1/nodes")]
    for node in nodes:
        api.merge(node, {"spec": {"unschedulable": True}})
    pods = "/api/v1/namespaces/llm-production/pods"
    for pod in api.items(pods, "app.kubernetes.io/instance=chat"):
        api.delete(f"{pods}/{pod['metadata']['name']}")

    def unplaced() -> dict[str, Any]:
        [found] = json.loads(pai(deployed, "status", "-s", "local", "--json").stdout)
        parts = [part for part in found["parts"] if "Unschedulable" in str(part["reasons"])]
        return {**found, **parts[0]} if parts else {}

    found = eventually(unplaced)
    text = pai(deployed, "status", "-s", "local").stdout
    for node in nodes:
        api.merge(node, {"spec": {"unschedulable": False}})

    assert (found["name"], found["ready"], found["pods"]) == ("chat", 0, 1)
    assert found["next"][0] == "pai logs chat --stack local"
    assert "  chat (VllmService): 0 of 1 pods ready\n      Unschedulable: 0/" in text


def test_a_secret_is_printed_on_request_alone(deployed: Checkout) -> None:
    content = deployed.cluster.api()
    place = json.loads(pai(deployed, "secret", "everyone", "--json").stdout)["everyone"]
    kept = content.get(f"/api/v1/namespaces/{place['namespace']}/secrets/{place['secret']}")
    assert kept
    key = base64.b64decode(kept["data"]["api-key"]).decode()

    without = pai(deployed, "secret", "everyone")
    shown = pai(deployed, "secret", "everyone", "--show")

    assert key not in without.stdout + without.stderr
    assert (shown.stdout, key in shown.stderr) == (f"{key}\n", False)
    assert f"get secret {place['secret']}" in without.stderr


def test_logs_that_no_kubelet_serves_are_an_error_for_each_container(deployed: Checkout) -> None:
    done = pai(deployed, "logs", "chat")

    assert done.returncode == ExitCode.FAILED
    assert "logs of llm-production/chat-" in done.stderr
    assert "Traceback" not in done.stderr
