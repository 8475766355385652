"""A simulated cluster: a real control plane on this machine, over simulated nodes.

The API server, the controllers and the scheduler are the real programs; kwok replaces the kubelets.
"""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from base.problems import Problem
from catalog.machines import MACHINES
from config.settings.cluster import ClusterConfig
from sim import command_lines
from sim.api import Api
from sim.command_lines import Layout
from sim.controllers.running import run_controllers
from sim.errors import SimError
from sim.kubeconfig import Access, write_kubeconfig
from sim.operators.crds import operator_crds
from sim.pki import write_pki
from sim.ports import LOOPBACK, free_port
from sim.process import Process, erase, kill
from sim.programs import TIMEOUT, Programs
from sim.provision import provision, wait_usable
from sim.settings import Settings, data_folder, new_layout, read_settings
from sim.stages import stage_documents
from sim.toolchain import Toolchain

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_PROJECT = Path(__file__).resolve().parents[1]
_ETCD, _API = "etcd", "kube-apiserver"
_OPERATORS = "operators"


class SimCluster:
    """One simulated cluster and its processes."""

    def __init__(self, layout: Layout, expects: ClusterConfig, toolchain: Toolchain) -> None:
        """A handle on a cluster; `start` and `detached` also start it."""
        self.layout = layout
        self.expects = expects
        self._toolchain = toolchain
        self.programs = Programs(layout.home, expects.context)
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, expects: ClusterConfig, home: Path, toolchain: Toolchain) -> Self:
        """Start a cluster owned by this process in *home*, and wait until it is usable.

        It stops at `stop`, at the end of a `with` block, or when this process exits for any reason.
        Raises SimError if it does not start, or if *home* is not empty.
        """
        if home.exists() and any(home.iterdir()):
            raise SimError(
                Problem(
                    path="home",
                    got=str(home),
                    allowed="an empty or new folder, because it is deleted at the end",
                    change="choose another folder",
                )
            )
        cluster = cls(new_layout(home), expects, toolchain)
        cluster._guard = subprocess.Popen(  # noqa: S603 - the same interpreter
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
        """The cluster in *home*, which outlives this process; started or repaired if necessary.

        Changes in *expects* are applied to a running cluster in place.
        """
        settings = read_settings(home)
        if settings is None:
            erase(home, data_folder(home))  # left over from before a restart of the machine
        layout = settings.layout if settings else new_layout(home)
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
        """An administrator's kubeconfig, with the configured context."""
        return self.layout.kubeconfig

    def client(self) -> "ApiClient":
        """An administrator's client from the `kubernetes` package."""
        # It takes a second to import, and most commands need none.
        from kubernetes import config  # noqa: PLC0415

        client: ApiClient = config.new_client_from_config(  # type: ignore[no-untyped-call]
            str(self.kubeconfig)
        )
        return client

    def api(self) -> Api:
        """An administrator's client that is fast to import."""
        return Api(self.layout.server, self.layout.tls)

    def processes(self) -> dict[str, Process]:
        """The started processes by name, running or not."""
        return self.programs.read()

    def stop(self) -> None:
        """End every process and delete every file; idempotent."""
        erase(self.layout.home, self.layout.data)
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()

    def __enter__(self) -> Self:
        """Enter a `with` block, which stops the cluster at its end."""
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
        """Start missing processes in order and provision the cluster.

        Raises SimError if a process exits or is not ready in time.
        """
        self._write_files()
        self._run(_ETCD, command_lines.etcd)
        self.programs.wait_for(_ETCD, self._etcd_listens)
        self._run(_API, command_lines.apiserver)
        api = self.api()
        self.programs.wait_for(_API, api.ready)
        self._run("kube-scheduler", command_lines.scheduler)
        self._run("kwok", command_lines.kwok)
        crds = operator_crds(self.expects.operators, self._toolchain)
        provision(api, self.expects, crds, TIMEOUT)
        # After the CRDs: the garbage collector discovers new ones only every 30 s, and until then
        # does not delete what their objects own.
        self._run("kube-controller-manager", command_lines.controller_manager)
        self._run_operators()
        run_controllers(self.programs, self.layout, self.expects.operators, api, self._toolchain)
        wait_usable(api, self.expects, TIMEOUT)

    def _write_files(self) -> None:
        """Write the files that the processes read; end the processes whose files have changed."""
        layout = self.layout
        layout.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        layout.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (layout.home / "logs").mkdir(exist_ok=True)
        if not (layout.tls / "service-accounts.pub").exists():
            write_pki(layout.tls)
        running = self.processes()
        if not self.programs.runs(_API) and not _is_free(layout.port):
            layout = self.layout = layout.model_copy(update={"port": free_port()})
            kill(process for name, process in running.items() if name != _ETCD)
        settings = read_settings(layout.home)
        if settings and settings.expects.operators != self.expects.operators:
            self.programs.end((_OPERATORS,))
        Settings(layout=layout, expects=self.expects, version=2).write()
        write_kubeconfig(layout.kubeconfig, [self.access])
        stages = stage_documents(self.expects)
        if layout.stages.exists() and layout.stages.read_text() != stages and "kwok" in running:
            kill([running["kwok"]])
        layout.stages.write_text(stages)

    @property
    def access(self) -> Access:
        """The cluster's entry for a kubeconfig."""
        layout = self.layout
        return Access(context=self.expects.context, server=layout.server, tls=layout.tls)

    def _run(self, name: str, arguments: Callable[[Layout], list[str]]) -> None:
        if self.programs.runs(name):
            return
        argv = [str(self._toolchain.path(name)), *arguments(self.layout)]
        self.programs.start(name, argv, self.layout.home)

    def _run_operators(self) -> None:
        has_gpus = any(MACHINES[group.profile].gpu for group in self.expects.nodes)
        if self.programs.runs(_OPERATORS) or not (self.expects.operators or has_gpus):
            return
        layout = self.layout
        argv = [sys.executable, "-m", "sim.operators", layout.server, str(layout.tls)]
        argv += self.expects.operators
        self.programs.start(_OPERATORS, argv, _PROJECT)

    def _etcd_listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.layout.etcd_socket))
            except OSError:
                return False
        return True


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
