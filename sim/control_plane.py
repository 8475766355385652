"""A simulated cluster: a real control plane on this machine, over nodes that do not exist.

The API server, the controllers and the scheduler are the real programs; kwok plays the kubelets.
"""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from pydantic import ValidationError

from catalog.machines import MACHINES
from config.base import Model
from config.cluster import ClusterConfig
from sim import parts
from sim.api import Api
from sim.controllers.controller import Program
from sim.controllers.running import run_controllers
from sim.errors import SimError
from sim.furnish import free_nodes, furnish, wait_usable
from sim.kubeconfig import Access, write_kubeconfig
from sim.operators.installed import installed
from sim.parts import Layout
from sim.pki import write_pki
from sim.ports import LOOPBACK, free_port
from sim.process import Process, Record, alive, erase, kill, spawn
from sim.stages import stage_documents

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_PROJECT = Path(__file__).resolve().parents[1]
_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux; elsewhere the disk has to do
_ETCD, _API = "etcd", "kube-apiserver"
_OPERATORS = "operators"
_PATIENCE = 120.0
"""Seconds for a part to come up. It takes under two on an idle machine; builds may be running."""


class Toolchain(Protocol):
    """Where the built programs are; `engine.build.ensure("cluster", …)` returns one."""

    def path(self, name: str, /) -> Path:
        """The program called *name*."""
        ...

    def module_dir(self, name: str, /) -> Path:
        """The folder of the Go module called *name*, for the data in it."""
        ...


class _Settings(Model):
    """What a cluster was started with, on disk beside it."""

    layout: Layout
    expects: ClusterConfig
    version: Literal[2]
    """Of the files beside it: a cluster with others cannot be gone on with."""


class SimCluster:
    """One simulated cluster and its processes."""

    def __init__(self, layout: Layout, expects: ClusterConfig, toolchain: Toolchain) -> None:
        """A handle on a cluster, which this neither starts nor looks for; see `start`."""
        self.layout = layout
        self.expects = expects
        self._toolchain = toolchain
        self._record = Record(layout.home)
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, expects: ClusterConfig, home: Path, toolchain: Toolchain) -> Self:
        """Start a cluster of this process's own, its files at *home*, and wait until it is usable.

        It ends at `stop`, at the end of a `with`, or when this process ends, however that happens.
        Raises SimError if it does not come up, or if there is something at *home* already.
        """
        if home.exists() and any(home.iterdir()):
            raise SimError(
                where="home",
                got=str(home),
                allowed="a folder that is empty or not there, since it is removed in the end",
                remedy="choose another",
            )
        cluster = cls(_new_layout(home), expects, toolchain)
        cluster._guard = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-m", "sim.guard", str(home), str(cluster.layout.data)],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            cluster.bring_up()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def detached(cls, expects: ClusterConfig, home: Path, toolchain: Toolchain) -> Self:
        """The cluster at *home*, which outlives this process: started, repaired or as it is.

        What *expects* changes about a running one is changed in place.
        """
        settings = read_settings(home)
        if settings is None:
            erase(home, data_folder(home))  # what a machine's restart left of an earlier one
        layout = settings.layout if settings else _new_layout(home)
        cluster = cls(layout, expects, toolchain)
        try:
            cluster.bring_up()
        except BaseException:
            if settings is None:
                cluster.stop()
            raise
        return cluster

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig, with the context that the configuration names."""
        return self.layout.kubeconfig

    def client(self) -> "ApiClient":
        """An administrator's client, of the `kubernetes` package."""
        # It takes a second to import, and most commands need none.
        from kubernetes import config  # noqa: PLC0415

        client: ApiClient = config.new_client_from_config(  # type: ignore[no-untyped-call]
            str(self.kubeconfig)
        )
        return client

    def api(self) -> Api:
        """An administrator's client, small and quick."""
        return Api(self.layout.server, self.layout.tls)

    def processes(self) -> dict[str, Process]:
        """The processes that were started, whether or not they still run."""
        return self._record.read()

    def stop(self) -> None:
        """End every process and remove every file; doing so again does nothing."""
        erase(self.layout.home, self.layout.data)
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()

    def __enter__(self) -> Self:
        """For `with`: stopped at its end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the cluster."""
        self.stop()

    def bring_up(self) -> None:
        """Start what is not running, in order, and provide what is expected.

        Raises SimError if a part ends or is not ready in time.
        """
        self._lay_out()
        self._run(_ETCD, parts.etcd)
        self.wait_for(_ETCD, self._etcd_listens)
        self._run(_API, parts.apiserver)
        api = self.api()
        self.wait_for(_API, api.ready)
        self._run("kube-scheduler", parts.scheduler)
        if not self.runs("kwok"):
            free_nodes(api)
        self._run("kwok", parts.kwok)
        types = installed(self.expects.operators, self._toolchain)
        furnish(api, self.expects, types, _PATIENCE)
        # After the operators' types: the garbage collector looks for new ones every 30 s only, and
        # until it knows a type, what objects of that type own outlives them.
        self._run("kube-controller-manager", parts.controller_manager)
        self._run_operators()
        run_controllers(self, api, self._toolchain)
        wait_usable(api, self.expects, _PATIENCE)

    def _lay_out(self) -> None:
        """Write the files that the parts read; end the parts whose files have changed."""
        layout = self.layout
        layout.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        layout.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (layout.home / "logs").mkdir(exist_ok=True)
        if not (layout.tls / "service-accounts.pub").exists():
            write_pki(layout.tls)
        running = self.processes()
        if not self.runs(_API) and not _is_free(layout.port):
            layout = self.layout = layout.model_copy(update={"port": free_port()})
            kill(process for name, process in running.items() if name != _ETCD)
        settings = read_settings(layout.home)
        if settings and settings.expects.operators != self.expects.operators:
            self.end_programs((_OPERATORS,))
        _settings_file(layout.home).write_text(
            _Settings(layout=layout, expects=self.expects, version=2).model_dump_json()
        )
        write_kubeconfig(layout.kubeconfig, [self.access])
        stages = stage_documents(self.expects)
        if layout.stages.exists() and layout.stages.read_text() != stages and "kwok" in running:
            kill([running["kwok"]])
        layout.stages.write_text(stages)

    @property
    def access(self) -> Access:
        """How to reach it, for a kubeconfig."""
        layout = self.layout
        return Access(context=self.expects.context, server=layout.server, tls=layout.tls)

    def runs(self, name: str, /) -> bool:
        """Whether the process called *name* runs."""
        process = self.processes().get(name)
        return process is not None and alive(process)

    def _run(self, name: str, arguments: Callable[[Layout], list[str]]) -> None:
        if self.runs(name):
            return
        argv = [str(self._toolchain.path(name)), *arguments(self.layout)]
        self._start(name, argv, self.layout.home, {})

    def start_program(self, program: Program, /) -> None:
        """Start *program* as a process of the cluster."""
        if program.module is not None:
            argv = [sys.executable, "-m", program.module, *program.arguments]
            self._start(program.name, argv, _PROJECT, program.environment)
        else:
            argv = [str(self._toolchain.path(program.name)), *program.arguments]
            self._start(program.name, argv, self.layout.home, program.environment)

    def end_programs(self, names: tuple[str, ...], /) -> None:
        """End those of *names* that run, and no longer count any of them as the cluster's."""
        processes = self.processes()
        for name in processes.keys() & set(names):
            kill([processes[name]])
            self._record.forget(name)

    def _start(
        self, name: str, argv: list[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._record.add(spawn(name, argv, folder, self._log(name), environment))

    def _run_operators(self) -> None:
        has_gpus = any(MACHINES[group.profile].gpu for group in self.expects.nodes)
        if self.runs(_OPERATORS) or not (self.expects.operators or has_gpus):
            return
        layout = self.layout
        argv = [sys.executable, "-m", "sim.operators", layout.server, str(layout.tls)]
        argv += self.expects.operators
        self._start(_OPERATORS, argv, _PROJECT, {})

    def _log(self, name: str) -> Path:
        return self.layout.home / "logs" / f"{name}.log"

    def _etcd_listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.layout.etcd_socket))
            except OSError:
                return False
        return True

    def wait_for(self, name: str, ready: Callable[[], bool], /) -> None:
        """Return once *ready*. Raises SimError if the process called *name* ends or takes long."""
        deadline = time.monotonic() + _PATIENCE
        while not ready():
            if self.runs(name) and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            lines = self._log(name).read_text(errors="replace").splitlines()[-3:]
            fate = "is not ready" if self.runs(name) else "has ended"
            raise SimError(
                where=f"simulated cluster {self.expects.context}",
                got=f"{name} that {fate}; its last words:\n  " + "\n  ".join(lines) + "\n ",
                allowed=f"it to be ready within {_PATIENCE:.0f} s",
                remedy="try again; if it stays so, `pai engine doctor` checks the program",
            )


def _new_layout(home: Path) -> Layout:
    return Layout(home=home, data=data_folder(home), port=free_port())


def data_folder(home: Path) -> Path:
    """Where the cluster at *home* keeps what etcd stores: on memory if that is possible."""
    if not os.access(_MEMORY, os.W_OK):
        return home / "data"
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()
    return _MEMORY / f"private-ai-sim-{os.getuid()}-{digest[:12]}"


def _settings_file(home: Path) -> Path:
    return home / "settings.json"


def read_settings(home: Path) -> _Settings | None:
    """What the cluster at *home* was started with; None if there is none, or no data of it."""
    try:
        settings = _Settings.model_validate_json(_settings_file(home).read_bytes())
    except (FileNotFoundError, ValidationError):  # none, or of another version of this program
        return None
    return settings if (settings.layout.data / "etcd").exists() else None


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
