"""`make bench`: what each command on a stack costs, against an empty program in the same run.

Usage: python -m tests.bench [STACK] [RUNS]. The machine's speed drifts; compare the ratios.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from review import run
from review.build import report as built
from review.markdown import Forge, markdown
from review.report import Verdict
from tests.engine.checkout import Checkout, Done, checkout

_EMPTY = '"""Nothing."""\n'


def main(stack: str = "prod", runs: str = "3") -> None:
    """Measure on a cluster of its own and print one table."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with checkout(stack, Path(folder)) as deployed:
            ready = time.monotonic() - started
            rows = _measure(deployed, int(runs), console)
            resources = deployed.pulumi("stack", "export").output.count('"urn"')
    _show(console, stack, resources, ready, rows)


def _measure(deployed: Checkout, runs: int, console: Console) -> dict[str, list[float]]:
    def timed(label: str, run: Callable[[], Done], times: int = runs) -> None:
        for number in range(1, times + 1):
            with console.status(f"{label} ({number} of {times}) …"):
                started = time.monotonic()
                done = run()
            if done.code:
                raise SystemExit(done.output)
            rows.setdefault(label, []).append(time.monotonic() - started)

    def preview(*words: str) -> Callable[[], Done]:
        return lambda: deployed.pulumi("preview", *words)

    rows: dict[str, list[float]] = {}
    with deployed.edited("__main__.py", lambda _: _EMPTY):
        timed("preview, empty program", preview())
    timed("preview, first", preview())
    timed("preview, first, without the pack", _without_pack(deployed))
    timed("up, first", lambda: deployed.pulumi("up", "--yes", "--skip-preview"), 1)
    timed("preview, no change", preview("--expect-no-changes"))
    timed("review, no change", lambda: _review(deployed))
    timed("preview, no change, with refresh", preview("--expect-no-changes", "--refresh"))
    timed("up, no change", lambda: deployed.pulumi("up", "--yes", "--skip-preview"))
    return rows


def _review(deployed: Checkout) -> Done:
    """A preview as `pai review` runs it, to the comment on the pull request."""
    ran = run.preview(deployed.root, deployed.stack, deployed.shell)
    report = built(ran.preview, stack=deployed.stack, before=ran.before, after=ran.after)
    return Done(report.verdict is not Verdict.CLEAN, markdown(report, Forge.GITHUB))


def _without_pack(deployed: Checkout) -> Callable[[], Done]:
    bare = {k: v for k, v in deployed.shell.items() if k != "PULUMI_OPTION_POLICY_PACK"}
    plain = replace(deployed, shell=bare)
    return lambda: plain.pulumi("preview")


def _show(
    console: Console, stack: str, resources: int, ready: float, rows: dict[str, list[float]]
) -> None:
    title = f"{stack}, {resources} resources"
    table = Table("seconds", "min", "median", "max", "x empty", title=title)
    floor = statistics.median(rows["preview, empty program"])
    for label, seconds in rows.items():
        median = statistics.median(seconds)
        table.add_row(
            label,
            f"{min(seconds):.1f}",
            f"{median:.1f}",
            f"{max(seconds):.1f}",
            f"{median / floor:.1f}",
        )
    console.print(table)
    cores = os.cpu_count()
    console.print(f"copy of the checkout and cluster ready in {ready:.1f} s, {cores} cores")


if __name__ == "__main__":
    main(*sys.argv[1:3])
