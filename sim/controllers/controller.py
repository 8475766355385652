"""The description of a controller and how to start it."""

from collections.abc import Callable
from dataclasses import dataclass

from sim.api import Object
from sim.command_lines import Layout
from sim.toolchain import Modules


@dataclass(frozen=True)
class Program:
    """One process of a controller."""

    name: str
    """Name of the process; without `module`, also of the toolchain's program."""
    arguments: list[str]
    ready: str
    """A URL that returns 200 once the program is ready; HTTPS with the cluster's CA."""
    environment: dict[str, str]
    module: str | None = None
    """A Python module to run instead of a program of the toolchain."""


@dataclass(frozen=True)
class Plan:
    """One start of a controller, with the ports chosen for it."""

    programs: list[Program]
    objects: list[tuple[str, Object]]
    """Objects that register it with the API server, by path; applied once it is ready."""
    answers: list[str]
    """API paths that respond once the registration works."""


@dataclass(frozen=True)
class Controller:
    """A controller that the simulation can run."""

    programs: tuple[str, ...]
    plan: Callable[[Layout, Modules], Plan]
    hooks: tuple[str, ...]
    """Paths of the objects that make the API server call it; deleted when it is not expected."""
