"""How time and state grow with the number of models."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from config.reference import KEY
from tests.bench.timing import checkpoints, state_bytes
from tests.engine.checkout import checkout
from tests.paths import ROOT

_STACK = "prod"
_PER_NODE = 4
"""Models of one GPU that a node of the pool l40s takes."""


@dataclass(frozen=True)
class Point:
    """One first deployment."""

    models: int
    kept: bool
    """Whether with a checkpoint before and after every step."""
    resources: int
    seconds: float
    bytes: int


def measure(sizes: list[int], console: Console) -> list[Point]:
    """Deploy prod with each number of models, without checkpoints and with them."""
    return [_point(size, kept, console) for kept in (False, True) for size in sizes]


def show(console: Console, points: list[Point]) -> None:
    """Print a table, each row compared with the fewest models of its kind."""
    table = Table(
        *(
            "models",
            "checkpoints",
            "resources",
            "up, s",
            "ms per resource",
            "x fewest",
            "state, kB",
        ),
        title="growth",
    )
    for point in points:
        base = next(other for other in points if other.kept == point.kept)
        each = point.seconds / point.resources
        table.add_row(
            str(point.models),
            "every step" if point.kept else "at the end",
            str(point.resources),
            f"{point.seconds:.1f}",
            f"{each * 1000:.0f}",
            f"{each / (base.seconds / base.resources):.2f}",
            f"{point.bytes / 1000:.0f}",
        )
    console.print(table)


def with_models(settings: Any, count: int) -> None:
    """Change prod's *settings* so that it has *count* models, each with a GPU of its own."""
    models = settings["models"]
    settings["teams"] = {"everybody": {"tokens_per_minute": 200_000}}
    extra = count - len(models)
    small = {**models["embeddings"], "replicas": 1}
    models |= {f"model-{number}": dict(small) for number in range(extra)}
    nodes = 1 + -(-extra // _PER_NODE)
    settings["pools"]["l40s"]["nodes"] = nodes
    for group in settings["cluster"]["nodes"]:
        if group.get("pool") == "l40s":
            group["count"] = nodes


def _point(size: int, kept: bool, console: Console) -> Point:
    with tempfile.TemporaryDirectory() as folder:
        file = ROOT / f"Pulumi.{_STACK}.yaml"
        content = yaml.safe_load(file.read_text())
        with_models(content["config"][KEY], size)

        def larger(nodes: Any) -> None:
            nodes[:] = content["config"][KEY]["cluster"]["nodes"]

        with checkout(_STACK, Path(folder), larger) as deployed:
            (deployed.root / deployed.file).write_text(yaml.safe_dump(content))
            at = replace(deployed, shell=checkpoints(deployed, kept=kept))
            with console.status(f"up with {size} models, checkpoints {kept} …"):
                started = time.monotonic()
                done = at.pulumi("up", "--yes", "--skip-preview")
                seconds = time.monotonic() - started
            if done.code:
                raise SystemExit(done.output)
            resources = deployed.pulumi("stack", "export").output.count('"urn"')
            return Point(size, kept, resources, seconds, state_bytes(deployed))
