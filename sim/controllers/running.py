"""Starting the controllers that a cluster is expected to have, and withdrawing the others."""

import ssl
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

import httpx

from config.cluster import ClusterConfig, Operator
from sim.api import Api, RefusedError
from sim.controllers.controller import Controller, Modules, Program
from sim.controllers.keda import KEDA
from sim.controllers.lws import LWS
from sim.parts import Layout

_MANAGER = "private-ai-simulation"

CONTROLLERS: Final[dict[Operator, Controller]] = {"leader-worker-set": LWS, "keda": KEDA}
"""What runs for real; of the other operators there is a stand-in, or the types alone."""


class Host(Protocol):
    """What runs the processes of a cluster."""

    layout: Layout
    expects: ClusterConfig

    def runs(self, name: str, /) -> bool:
        """Whether the process called *name* runs."""
        ...

    def start_program(self, program: Program, /) -> None:
        """Start *program* as a process of the cluster."""
        ...

    def end_programs(self, names: tuple[str, ...], /) -> None:
        """End those of *names* that run, and no longer count any of them as the cluster's."""
        ...

    def wait_for(self, name: str, ready: Callable[[], bool], /) -> None:
        """Return once *ready*. Raises SimError if the process called *name* ends or takes long."""
        ...


def run_controllers(host: Host, api: Api, modules: Modules) -> None:
    """Let exactly the expected controllers run, each known to the API server.

    Raises SimError if one does not come up.
    """
    expected = {name: CONTROLLERS[name] for name in host.expects.operators if name in CONTROLLERS}
    for operator, controller in CONTROLLERS.items():
        if operator not in expected:
            host.end_programs(controller.programs)
            for path in controller.hooks:
                api.delete(path)
    missing = [c for c in expected.values() if not all(host.runs(name) for name in c.programs)]
    plans = [controller.plan(host.layout, modules) for controller in missing]
    for controller, plan in zip(missing, plans, strict=True):
        host.end_programs(controller.programs)
        for program in plan.programs:
            host.start_program(program)
    trust = ssl.create_default_context(cafile=str(host.layout.tls / "ca.crt"))
    for plan in plans:
        for program in plan.programs:
            host.wait_for(program.name, lambda url=program.ready: _answers(url, trust))
        for path, content in plan.objects:
            api.apply(path, content, _MANAGER)
        for path in plan.answers:
            host.wait_for(plan.programs[-1].name, lambda path=path: _served(api, path))


def _answers(url: str, trust: ssl.SSLContext) -> bool:
    try:
        return httpx.get(url, verify=trust, trust_env=False).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def _served(api: Api, path: str) -> bool:
    try:
        return api.get(path) is not None
    except RefusedError:  # 503, until the API server has found what extends it
        return False
