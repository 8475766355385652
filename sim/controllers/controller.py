"""What it takes to run a controller."""

from collections.abc import Callable
from dataclasses import dataclass

from sim.api import Object
from sim.command_lines import Layout
from sim.toolchain import Modules


@dataclass(frozen=True)
class Program:
    """One process of a controller."""

    name: str
    """Of the toolchain's program, unless it is a module of ours."""
    arguments: list[str]
    ready: str
    """A URL that answers 200 once the program works, of HTTPS with the cluster's CA."""
    environment: dict[str, str]
    module: str | None = None
    """What this interpreter runs instead of a program of the toolchain."""


@dataclass(frozen=True)
class Plan:
    """How a controller is started this time: the ports are free ones."""

    programs: list[Program]
    objects: list[tuple[str, Object]]
    """What tells the API server of it, each with its path: applied once the programs are ready."""
    answers: list[str]
    """Paths of the API that answer once it all works together."""


@dataclass(frozen=True)
class Controller:
    """A controller that the simulation can run."""

    programs: tuple[str, ...]
    plan: Callable[[Layout, Modules], Plan]
    hooks: tuple[str, ...]
    """Paths of objects by which the API server calls it: without it, they would only be in the
    way."""
