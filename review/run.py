"""Runs the preview, and beside it reads what the state knows of the graph."""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review.events import Preview, read
from review.graph import Graph, graph
from review.redact import text

_STREAM = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Without it `preview --json` drops every policy event: pulumi#18851."""
_PACK = "PULUMI_OPTION_POLICY_PACK"
_SAID = 20
"""Last lines of what the engine wrote outside of its events."""


@dataclass(frozen=True)
class Ran:
    """A preview, and the graph of the stack before and after it."""

    preview: Preview
    before: Graph
    after: Graph
    said: str
    """What the engine wrote on standard error."""


def preview(project: Path, stack: str, shell: Mapping[str, str]) -> Ran:
    """Preview *stack* in the folder *project* with the variables *shell*.

    The policy pack of the checkout runs unless *shell* names another. Raises review.events
    EventsError where the engine writes no events at all.
    """
    with tempfile.TemporaryDirectory(prefix="pai-review-") as folder, ThreadPoolExecutor() as pool:
        plan = Path(folder) / "plan.json"
        state = pool.submit(_pulumi, project, shell, "stack", "export", "--stack", stack)
        done = _pulumi(
            project,
            {**with_pack(project, shell), **_STREAM},
            "preview",
            *("--stack", stack),
            "--json",
            # Only the plan tells what a new resource depends on. It is encrypted, and gone with
            # the folder.
            *("--save-plan", str(plan)),
        )
        exported = state.result()
        return Ran(
            preview=read(done.stdout.splitlines()),
            before=graph(_deployed(exported.stdout)),
            after=graph(_planned(plan)),
            said=text("\n".join(done.stderr.strip().splitlines()[-_SAID:])),
        )


def refresh(project: Path, stack: str, shell: Mapping[str, str]) -> tuple[list[str], str]:
    """Look at every object of *stack* without changing anything; the events, and what was said."""
    done = _pulumi(
        project,
        {**shell, **_STREAM},
        *("refresh", "--preview-only", "--json", "--stack", stack),
        # The state knows the kubeconfig of whoever deployed; the program, that of this shell.
        "--run-program",
    )
    return done.stdout.splitlines(), text("\n".join(done.stderr.strip().splitlines()[-_SAID:]))


def with_pack(project: Path, shell: Mapping[str, str]) -> dict[str, str]:
    """*shell* with the policy pack of the checkout, unless it names another."""
    pack = project / "policies" / "pack"
    return {**({_PACK: str(pack)} if pack.exists() else {}), **shell}


def _pulumi(
    project: Path, shell: Mapping[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *words, "--non-interactive", "--color", "never"],  # noqa: S607 - of the PATH
        cwd=project,
        env=dict(shell),
        capture_output=True,
        text=True,
        check=False,
    )


def _deployed(exported: str) -> list[Mapping[str, Any]]:
    """The resources of `pulumi stack export`; none where there is no stack yet."""
    try:
        deployment = json.loads(exported)["deployment"]
    except (ValueError, KeyError):
        return []
    return deployment.get("resources") or []


def _planned(plan: Path) -> Iterable[Mapping[str, Any]]:
    """The resources of an update plan; none where the preview failed."""
    if not plan.exists():
        return []
    plans = json.loads(plan.read_text(encoding="utf-8")).get("resourcePlans") or {}
    return [{**goal, "urn": urn} for urn, of in plans.items() if (goal := of.get("goal"))]
