"""`make upgrade FROM=REV`: deploy each stack as the commit REV has it, then move it to this one.

Usage: python -m tests.upgrade REV [STACK_OR_EXAMPLE …]. Everything runs through the real engine on
a simulated cluster per stack. Prints what the preview of this checkout plans over that state, runs
it, and exits 1 if anything that holds data is replaced or deleted, or if a further preview still
plans a change.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from tests import urns
from tests.engine.checkout import Checkout, Done, checkout
from tests.paths import ROOT

HOLDS_DATA = frozenset(
    {
        "Cluster",
        "Namespace",
        "PersistentVolumeClaim",
        "PrivateKey",
        "RandomPassword",
        "SelfSignedCert",
        "StatefulSet",
        "Tenant",
    }
)
"""Kinds whose replacement or deletion loses data, secrets or the certificate authority."""

_UNLESS = {"create", "update", "same", "read", "refresh"}
"""Steps that keep what is there."""


def lost(steps: Sequence[dict[str, Any]]) -> list[str]:
    """Steps that take away something that holds data, as `op Kind name`."""
    return [_line(s) for s in steps if s["op"] not in _UNLESS and _kind(s["urn"]) in HOLDS_DATA]


def main(revision: str, *names: str) -> None:
    """Move each stack over; exit 1 if one loses data or does not converge."""
    console, failed = Console(), False
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        _git("worktree", "add", "--detach", str(before), revision)
        try:
            for name in names or urns.files():
                failed |= not _moved(console, name, before, Path(folder) / name)
        finally:
            _git("worktree", "remove", "--force", str(before))
    sys.exit(failed)


def _moved(console: Console, name: str, before: Path, folder: Path) -> bool:
    with checkout(name, folder, file=str(urns.files()[name].relative_to(ROOT))) as after:
        console.print(f"[bold]{name}[/]: deploying the earlier commit …")
        # Without its policy pack: that is the earlier commit's business.
        bare = {k: v for k, v in after.shell.items() if k != "PULUMI_OPTION_POLICY_PACK"}
        _require(replace(after, root=before, shell=bare), "up", "--yes", "--skip-preview")
        steps = after.events("preview")
        counts = Counter((step["op"], _kind(step["urn"])) for step in steps)
        for (op, kind), count in sorted(counts.items()):
            console.print(f"  {op:20} {count:4} {kind}")
        if not steps:
            console.print("  no change")
            return True
        for each in sorted(_line(step) for step in steps):
            console.print(f"    {each}", style="dim", highlight=False)
        gone = lost(steps)
        if gone:
            console.print(f"  holds data, and goes: {gone}", style="red")
        _require(after, "up", "--yes", "--skip-preview")
        again = after.events("preview")
        console.print(f"  after up: {len(again)} steps left")
        return not gone and not again


def _require(at: Checkout, *words: str) -> Done:
    done = at.pulumi(*words)
    if done.code:
        raise SystemExit(done.output)
    return done


def _line(step: dict[str, Any]) -> str:
    return f"{step['op']} {_kind(step['urn'])} {step['urn'].rsplit('::', 1)[-1]}"


def _kind(urn: str) -> str:
    return urn.split("::")[2].rsplit(":", 1)[-1]


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
