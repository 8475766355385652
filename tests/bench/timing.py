"""Timed commands and the tables that they end up in."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.engine.checkout import Checkout, Done


@dataclass
class Timings:
    """Seconds of each command, in the order of the first run of each."""

    console: Console
    rows: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def time(self, label: str, run: Callable[[], Done], times: int = 1) -> None:
        """Run *run* and note how long it took; ends the benchmark where it fails."""
        for number in range(1, times + 1):
            with self.console.status(f"{label} ({number} of {times}) …"):
                started = time.monotonic()
                done = run()
            if done.code:
                raise SystemExit(done.output)
            self.rows.setdefault(label, []).append(time.monotonic() - started)

    def median(self, label: str) -> float:
        """Median seconds of the command *label*."""
        return statistics.median(self.rows[label])

    def show(self, title: str, floors: dict[str, str]) -> None:
        """Print a table; each of *floors* is a column: heading, and the row to divide by."""
        table = Table("seconds", "min", "median", "max", *floors, title=title)
        for label, seconds in self.rows.items():
            ratios = (f"{self.median(label) / self.median(floor):.1f}" for floor in floors.values())
            numbers = (min(seconds), self.median(label), max(seconds))
            table.add_row(label, *(f"{number:.1f}" for number in numbers), *ratios)
        self.console.print(table)


def without_pack(deployed: Checkout) -> dict[str, str]:
    """The shell of *deployed*, without the policy pack."""
    return {k: v for k, v in deployed.shell.items() if k != "PULUMI_OPTION_POLICY_PACK"}


def checkpoints(deployed: Checkout, *, kept: bool) -> dict[str, str]:
    """The shell of *deployed*, with or without a checkpoint before and after every step."""
    return {**deployed.shell, "PULUMI_SKIP_CHECKPOINTS": "false" if kept else "true"}


def state_bytes(deployed: Checkout) -> int:
    """Size of the stack's state, as the file backend stores it."""
    folder = deployed.root.parent / "state" / ".pulumi" / "stacks" / "private-ai"
    return (folder / f"{deployed.stack}.json").stat().st_size
