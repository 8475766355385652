"""Run previews and refreshes, and read the component graph from the state."""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.upgrades import REPORTED
from review.events import Preview, read
from review.graph import Graph, graph
from review.redact import text

_STREAM = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Without it `preview --json` drops every policy event: pulumi#18851."""
_PACK = "PULUMI_OPTION_POLICY_PACK"
_STDERR_LINES = 20
"""Number of last lines of standard error that are kept."""


@dataclass(frozen=True)
class PreviewRun:
    """A preview, and the graph of the stack before and after it."""

    preview: Preview
    before: Graph
    after: Graph
    stderr_tail: str
    """Last lines of the engine's standard error."""


def preview(project: Path, stack: str, env: Mapping[str, str]) -> PreviewRun:
    """Preview *stack* in the folder *project* with the environment *env*.

    The policy pack of the checkout runs unless *env* names another. Raises
    review.events.EventsError if the engine writes no events.
    """
    with tempfile.TemporaryDirectory(prefix="pai-review-") as folder, ThreadPoolExecutor() as pool:
        plan = Path(folder) / "plan.json"
        state = pool.submit(_pulumi, project, env, "stack", "export", "--stack", stack)
        done = _pulumi(
            project,
            {**with_pack(project, env), **_STREAM, REPORTED: "true"},
            "preview",
            *("--stack", stack),
            "--json",
            # Only the plan has the dependencies of new resources. It is encrypted, and deleted
            # with the folder.
            *("--save-plan", str(plan)),
        )
        exported = state.result()
        return PreviewRun(
            preview=read(done.stdout.splitlines()),
            before=graph(_deployed(exported.stdout)),
            after=graph(_planned(plan)),
            stderr_tail=text("\n".join(done.stderr.strip().splitlines()[-_STDERR_LINES:])),
        )


def refresh(project: Path, stack: str, env: Mapping[str, str]) -> tuple[list[str], str]:
    """Compare all objects of *stack* with the cluster; returns the events and the stderr tail."""
    done = _pulumi(
        project,
        {**env, **_STREAM},
        *("refresh", "--preview-only", "--json", "--stack", stack),
        # The state has the kubeconfig of the last deployment; the program uses that of *env*.
        "--run-program",
    )
    return done.stdout.splitlines(), text(
        "\n".join(done.stderr.strip().splitlines()[-_STDERR_LINES:])
    )


def with_pack(project: Path, env: Mapping[str, str]) -> dict[str, str]:
    """*env* with the policy pack of the checkout, unless it already names one."""
    pack = project / "policies" / "pack"
    return {**({_PACK: str(pack)} if pack.exists() else {}), **env}


def _pulumi(project: Path, env: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *words, "--non-interactive", "--color", "never"],  # noqa: S607 - of the PATH
        cwd=project,
        env=dict(env),
        capture_output=True,
        text=True,
        check=False,
    )


def _deployed(exported: str) -> list[Mapping[str, Any]]:
    """The resources of `pulumi stack export`; none if the stack does not exist yet."""
    try:
        deployment = json.loads(exported)["deployment"]
    except (ValueError, KeyError):
        return []
    return deployment.get("resources") or []


def _planned(plan: Path) -> Iterable[Mapping[str, Any]]:
    """The resources of an update plan; none if the preview failed."""
    if not plan.exists():
        return []
    plans = json.loads(plan.read_text(encoding="utf-8")).get("resourcePlans") or {}
    return [{**goal, "urn": urn} for urn, of in plans.items() if (goal := of.get("goal"))]
