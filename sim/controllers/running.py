"""Start the controllers that a cluster expects, and remove the others."""

import ssl
import sys
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from config.settings.cluster import Operator
from sim.api import Api, RefusedError
from sim.command_lines import Layout
from sim.controllers.controller import Controller, Program
from sim.controllers.keda import KEDA
from sim.controllers.lws import LWS
from sim.programs import Programs
from sim.toolchain import Toolchain

_MANAGER = "private-ai-simulation"
_PROJECT = Path(__file__).resolve().parents[2]

CONTROLLERS: Final[dict[Operator, Controller]] = {"leader-worker-set": LWS, "keda": KEDA}
"""Operators that run as real programs; the others have a stand-in or only their CRDs."""


def run_controllers(
    programs: Programs,
    layout: Layout,
    operators: Sequence[Operator],
    api: Api,
    toolchain: Toolchain,
) -> None:
    """Run exactly the controllers of *operators*, each registered with the API server.

    Raises SimError if one does not start.
    """
    expected = {name: CONTROLLERS[name] for name in operators if name in CONTROLLERS}
    for operator, controller in CONTROLLERS.items():
        if operator not in expected:
            programs.end(controller.programs)
            for path in controller.hooks:
                api.delete(path)
    missing = [c for c in expected.values() if not all(programs.runs(name) for name in c.programs)]
    plans = [controller.plan(layout, toolchain) for controller in missing]
    for controller, plan in zip(missing, plans, strict=True):
        programs.end(controller.programs)
        for program in plan.programs:
            _start(programs, program, layout, toolchain)
    trust = ssl.create_default_context(cafile=str(layout.tls / "ca.crt"))
    for plan in plans:
        for program in plan.programs:
            programs.wait_for(program.name, lambda url=program.ready: _answers(url, trust))
        for path, content in plan.objects:
            api.apply(path, content, _MANAGER)
        for path in plan.answers:
            programs.wait_for(plan.programs[-1].name, lambda path=path: _served(api, path))


def _start(programs: Programs, program: Program, layout: Layout, toolchain: Toolchain) -> None:
    if program.module is not None:
        argv, folder = [sys.executable, "-m", program.module], _PROJECT
    else:
        argv, folder = [str(toolchain.path(program.name))], layout.home
    programs.start(program.name, [*argv, *program.arguments], folder, program.environment)


def _answers(url: str, trust: ssl.SSLContext) -> bool:
    try:
        return httpx.get(url, verify=trust, trust_env=False).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def _served(api: Api, path: str) -> bool:
    try:
        return api.get(path) is not None
    except RefusedError:  # 503, until the aggregated API is available
        return False
