"""The pack on what is deployed, and in a program that is not this one, through the real CLI."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from toolchain import build
from toolchain.environment import PROJECT

_STACK = "urn:pulumi:prod::somebody-elses"
_PROVIDER = f"{_STACK}::pulumi:providers:kubernetes::default"


def _service(kind: str) -> dict[str, Any]:
    labels = {f"app.kubernetes.io/{key}": "web" for key in ("name", "instance", "part-of")}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels},
        "spec": {"type": kind, "ports": [{"name": "https", "port": 443}]},
    }


def state(kind: str) -> dict[str, Any]:
    """What `pulumi stack export` writes for one Service of *kind*."""
    token = "kubernetes:core/v1:Service"
    service = {
        "urn": f"{_STACK}::{token}::web",
        "custom": True,
        "id": "shop/web",
        "type": token,
        "provider": f"{_PROVIDER}::id",
        "inputs": _service(kind),
        "outputs": _service(kind),
    }
    provider = {
        "urn": _PROVIDER,
        "custom": True,
        "id": "id",
        "type": "pulumi:providers:kubernetes",
    }
    manifest = {"time": "2026-11-21T00:00:00Z", "magic": "", "version": "v3.256.0"}
    return {"version": 3, "deployment": {"manifest": manifest, "resources": [provider, service]}}


@pytest.mark.parametrize(("kind", "code"), [("NodePort", 1), ("ClusterIP", 0)])
def test_the_state_of_any_program_is_analysed_with_its_own_waivers(
    tmp_path: Path, kind: str, code: int
) -> None:
    (tmp_path / "state.json").write_text(json.dumps(state(kind)))
    (tmp_path / "waivers.yaml").write_text("waivers: []\n")
    pulumi = build.ensure("pulumi", Console(stderr=True)).path("pulumi")
    pack = str(PROJECT / "policies" / "pack")
    words = [str(pulumi), "policy", "analyze", "--file", "state.json", "--policy-pack", pack]
    environment = {
        **os.environ,
        "PRIVATE_AI_POLICY_WAIVERS": str(tmp_path / "waivers.yaml"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    output = done.stdout + done.stderr
    assert done.returncode == code, output
    refused = r"\[no-node-port\] spec\.type\n +got: +`NodePort`\n +allowed: +ClusterIP\n"
    assert bool(re.search(refused, output)) == (kind == "NodePort"), output
    assert "Traceback" not in output
