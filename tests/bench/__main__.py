"""`make bench`: what each command on a stack costs, against an empty program and against kubectl.

Usage: python -m tests.bench [STACK] [RUNS] [MODELS …]. MODELS are the numbers of models of the
table of growth (5 20 50), 0 leaves it out. The machine's speed drifts; compare the ratios.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from review import run
from review.build import report as built
from review.forges import Forge
from review.markdown import markdown
from review.report import Verdict
from sim.control_plane import SimCluster
from tests.bench import growth, kubectl
from tests.bench.timing import Timings, checkpoints, state_bytes, without_pack
from tests.engine.checkout import Checkout, Done, checkout
from toolchain import build

_EMPTY = '"""Nothing."""\n'
_UP = ("up", "--yes", "--skip-preview")


def main(stack: str = "prod", runs: str = "3", *sizes: str) -> None:
    """Measure on clusters of its own and print the tables."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with checkout(stack, Path(folder) / "disposable") as deployed:
            ready = time.monotonic() - started
            timings = _measure(deployed, int(runs), console)
            _floor(deployed, Path(folder), int(runs), timings)
            resources = deployed.pulumi("stack", "export").output.count('"urn"')
            size = state_bytes(deployed)
        with checkout(stack, Path(folder) / "kept") as kept:
            at = replace(kept, shell=checkpoints(kept, kept=True))
            timings.time("up, first, a checkpoint at every step", lambda: at.pulumi(*_UP))
    title = f"{stack}, {resources} resources, state {size / 1000:.0f} kB"
    floors = {"x empty": "preview, empty program", "x kubectl": "kubectl apply and wait, first"}
    timings.show(title, floors)
    cores = os.cpu_count()
    console.print(f"copy of the checkout and cluster ready in {ready:.1f} s, {cores} cores")
    numbers = [int(size) for size in sizes or ("5", "20", "50")]
    if numbers != [0]:
        growth.show(console, growth.measure(numbers, console))


def _measure(deployed: Checkout, runs: int, console: Console) -> Timings:
    """The commands, on a stack without checkpoints, as a disposable one is deployed."""
    timings = Timings(console)
    at = replace(deployed, shell=checkpoints(deployed, kept=False))
    bare = replace(deployed, shell=without_pack(deployed))
    with deployed.edited("__main__.py", lambda _: _EMPTY):
        timings.time("preview, empty program", lambda: at.pulumi("preview"), runs)
    timings.time("preview, first", lambda: at.pulumi("preview"), runs)
    timings.time("preview, first, without the pack", lambda: bare.pulumi("preview"), runs)
    timings.time("up, first", lambda: at.pulumi(*_UP))
    unchanged = ("preview", "--expect-no-changes")
    timings.time("preview, no change", lambda: at.pulumi(*unchanged), runs)
    timings.time("review, no change", lambda: _review(at), runs)
    timings.time(
        "preview, no change, with refresh", lambda: at.pulumi(*unchanged, "--refresh"), runs
    )
    timings.time("up, no change", lambda: at.pulumi(*_UP), runs)
    return timings


def _floor(deployed: Checkout, folder: Path, runs: int, timings: Timings) -> None:
    """The same objects by kubectl, on empty clusters like that of *deployed*."""
    toolchain = build.ensure("cluster", timings.console, deployed.cluster.expects.operators)
    for number in range(runs):
        home = folder / f"kubectl-{number}"
        with SimCluster.start(deployed.cluster.expects, home, toolchain) as cluster:
            floor = kubectl.on(deployed, cluster, folder / "objects.json", timings.console)
            timings.time("kubectl apply and wait, first", floor.apply_and_wait)
            timings.time("kubectl apply, again", floor.apply)


def _review(deployed: Checkout) -> Done:
    """A preview as `pai review` runs it, to the comment on the pull request."""
    ran = run.preview(deployed.root, deployed.stack, deployed.shell)
    report = built(ran.preview, stack=deployed.stack, before=ran.before, after=ran.after)
    return Done(report.verdict is not Verdict.CLEAN, markdown(report, Forge.GITHUB))


if __name__ == "__main__":
    main(*sys.argv[1:])
