"""Pods that the scheduler cannot place, and the warning about them."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.engine.checkout import checkout


def _half_the_gpus(nodes: Any) -> None:
    for group in nodes:
        if group.get("pool"):
            group["count"] = 1


def test_up_says_which_pod_waits_for_gpus_while_it_waits(tmp_path: Path) -> None:
    """Three models, two GPUs: the third stays Pending and `up` says so by itself."""
    with checkout("local", tmp_path, _half_the_gpus) as deployed:
        log = tmp_path / "up.log"
        with log.open("w") as output:
            running = subprocess.Popen(
                [
                    "pulumi",
                    "up",
                    "--yes",
                    "--skip-preview",
                    "--stack",
                    "local",
                    "--non-interactive",
                ],
                cwd=deployed.root,
                env=deployed.shell,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            limit = time.monotonic() + 300  # only ends a test that would hang
            while "stays Pending" not in log.read_text():
                assert running.poll() is None, log.read_text()
                assert time.monotonic() < limit, log.read_text()
                time.sleep(1)
        finally:
            # As a person would, so that the CLI ends its plugins: once to stop, once to leave.
            running.send_signal(signal.SIGINT)
            time.sleep(2)
            running.send_signal(signal.SIGINT)
            running.wait(timeout=120)

    said = next(line for line in log.read_text().splitlines() if "stays Pending" in line)
    assert "llm-production/" in said
    assert "Insufficient nvidia.com/gpu" in said
