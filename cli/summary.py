"""A deployed stack for a terminal: the resource graph, GPU usage, URLs and Secrets."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from base.units import GB
from review.graph import Graph, graph

_BAR = 16
"""Width of a full bar, characters."""


def show(console: Console, deployment: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
    """Print all of it; *deployment* is of `pulumi stack export`, *outputs* of `stack output`."""
    console.print(_picture(graph(deployment.get("resources", []))))
    console.print()
    console.print(capacity(outputs["gpus"]))
    console.print()
    console.print(urls(outputs))


def _picture(found: Graph) -> Tree:
    """Layers in start order, each component with its direct dependencies."""
    tree = Tree("graph: a component starts when those behind its arrow are ready")
    for depth, layer in enumerate(found.layers(), 1):
        branch = tree.add(Text(f"{depth}", style="dim"))
        for name in layer:
            line = Text(name, style="bold")
            line.append(f" {found.kinds[name]}", style="cyan")
            if direct := found.direct(name):
                line.append(f"  ◄─ {', '.join(direct)}", style="dim")
            branch.add(line)
    return tree


def capacity(gpus: Mapping[str, Any]) -> RenderableType:
    """GPUs used and available per pool, and the memory of one GPU per model."""
    pools = Table("pool", "GPU", "used", "available", title="GPUs", title_justify="left")
    for pool in gpus["pools"]:
        pools.add_row(
            pool["name"], pool["gpu"], f"{pool['gpus_used']:g}", f"{pool['gpus_available']:g}"
        )
    models = Table("model", "weights", "GPUs", "pool")
    models.add_column("memory of each GPU", no_wrap=True)
    models.add_column("free GB", justify="right")
    for model in gpus["models"]:
        models.add_row(
            model["name"],
            model["model"],
            f"{model['gpus']:g}",
            model["pool"],
            _bar(model["used_bytes"] / model["gpu_bytes"]),
            f"{model['headroom_bytes'] / GB:.1f}",
        )
    return Group(pools, models)


def urls(outputs: Mapping[str, Any]) -> RenderableType:
    """URLs for people and programs, and the Secrets with the credentials."""
    table = Table(show_header=False, box=None)
    for name, url in outputs["urls"].items():
        table.add_row(name, Text(url, style="bold"))
    table.add_row("gateway address", outputs["address"])
    table.add_row("administrator", f"Secret {outputs['administrator']}")
    for team, secret in outputs["team_keys"].items():
        table.add_row(f"key of team {team}", f"Secret {secret}")
    return table


def _bar(share: float) -> Text:
    full = round(min(share, 1) * _BAR)
    text = Text("█" * full, style="green")
    text.append("░" * (_BAR - full), style="dim")
    text.append(f" {share:.0%}")
    return text
