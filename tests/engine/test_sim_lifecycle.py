"""Simulated clusters come and go: side by side, repaired, changed, gone without a trace."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from cli.sim import app
from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim import cluster as stacks
from sim.control_plane import SimCluster
from sim.errors import SimError
from sim.process import Record, alive, kill
from sim.settings import data_folder
from sim.toolchain import Toolchain
from tests.engine.sim_support import eventually, got, once
from tests.paths import ROOT
from toolchain import build

CONSOLE = Console(stderr=True)


def expects(context: str, nodes: int = 1) -> ClusterConfig:
    return ClusterConfig(
        context=context,
        identifier=context,
        nodes=[NodeGroup(profile="cpu-8", count=nodes)],
        storage_classes=[StorageClassConfig(name="fast", default=True)],
    )


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return build.ensure("cluster", CONSOLE)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def gone(home: Path, processes: list[int], port: int) -> bool:
    return not (
        home.exists()
        or data_folder(home).exists()
        or listens(port)
        or any(Path(f"/proc/{pid}").exists() for pid in processes)
    )


def test_two_clusters_side_by_side_do_not_share_anything(
    tmp_path: Path, toolchain: Toolchain
) -> None:
    with (
        SimCluster.start(expects("one"), tmp_path / "one", toolchain) as one,
        SimCluster.start(expects("two", nodes=2), tmp_path / "two", toolchain) as two,
    ):
        one.api().create("/api/v1/namespaces", {"metadata": {"name": "of-one"}})
        assert two.api().get("/api/v1/namespaces/of-one") is None
        assert len(one.api().items("/api/v1/nodes")) == 1
        assert len(two.api().items("/api/v1/nodes")) == 2
        one.stop()
        assert len(two.api().items("/api/v1/nodes")) == 2


def test_a_stopped_cluster_leaves_no_process_no_port_and_no_file(
    tmp_path: Path, toolchain: Toolchain
) -> None:
    home = tmp_path / "it"
    with SimCluster.start(expects("it"), home, toolchain) as cluster:
        processes = [process.pid for process in cluster.processes().values()]
        port = cluster.layout.port
        assert len(processes) == 5
        assert listens(port)
        assert data_folder(home).exists()
    assert gone(home, processes, port)
    cluster.stop()  # and again, which does nothing


def test_a_cluster_does_not_outlive_a_killed_owner(tmp_path: Path, toolchain: Toolchain) -> None:
    del toolchain  # built, before the owner asks for it
    home = tmp_path / "it"
    program = (
        "import pathlib, sys, time\n"
        "from rich.console import Console\n"
        "from toolchain import build\n"
        "from sim.control_plane import SimCluster\n"
        "from tests.engine.test_sim_lifecycle import expects\n"
        "toolchain = build.ensure('cluster', Console(stderr=True))\n"
        "cluster = SimCluster.start(expects('it'), pathlib.Path(sys.argv[1]), toolchain)\n"
        "print(cluster.layout.port, flush=True)\n"
        "time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert owner.stdout is not None
    port = int(owner.stdout.readline())
    processes = [process.pid for process in Record(home).read().values()]
    assert listens(port)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    eventually(lambda: gone(home, processes, port))


def test_a_folder_with_something_in_it_is_no_home(tmp_path: Path, toolchain: Toolchain) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SimError, match="an empty or new folder"):
        SimCluster.start(expects("it"), tmp_path, toolchain)
    assert (tmp_path / "thesis.txt").exists()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with the stacks `one` and `two`, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    elsewhere = SimpleNamespace(root=lambda: tmp_path / "cache")
    monkeypatch.setattr(stacks, "cache", elsewhere)  # not where the toolchain is
    (tmp_path / "Pulumi.yaml").write_text("name: it\n")
    for name in ("one", "two"):
        write_stack(tmp_path, name)
    yield tmp_path
    stacks.down([entry.stack for entry in stacks.status()])


def write_stack(project: Path, name: str, nodes: int = 1) -> None:
    cluster = expects(f"context-{name}", nodes).model_dump_json()
    text = f"config:\n  private-ai:stack:\n    cluster: {cluster}\n"
    (project / f"Pulumi.{name}.yaml").write_text(text)


def states() -> dict[str, str]:
    return {entry.stack: entry.state for entry in stacks.status()}


def contexts_of(kubeconfig: Path) -> set[str]:
    return {entry["name"] for entry in yaml.safe_load(kubeconfig.read_text())["contexts"]}


def test_the_kubeconfig_has_a_context_for_each_running_stack(project: Path) -> None:
    kubeconfig = stacks.ensure_running(["one", "two"], CONSOLE)
    assert contexts_of(kubeconfig) == {"context-one", "context-two"}
    assert kubeconfig.stat().st_mode & 0o077 == 0
    stacks.down(["one"])
    assert contexts_of(kubeconfig) == {"context-two"}
    assert states() == {"one": "stopped", "two": "running"}
    stacks.down(["two"])
    assert not (project / "cache" / "sim").exists()


@pytest.mark.parametrize("part", ["etcd", "kube-apiserver", "kube-scheduler", "kwok"])
def test_a_part_that_died_is_seen_and_started_again_with_nothing_lost(
    project: Path, part: str
) -> None:
    stacks.ensure_running(["one"], CONSOLE)
    home = project / "cache" / "sim" / "one"
    cluster = SimCluster.detached(expects("context-one"), home, build.ensure("cluster", CONSOLE))
    cluster.api().create("/api/v1/namespaces", {"metadata": {"name": "kept"}})
    before = Record(home).read()
    kill([before[part]])
    assert states()["one"] == "broken"

    stacks.ensure_running(["one"], CONSOLE)
    assert states()["one"] == "running"
    assert got(cluster.api(), "/api/v1/namespaces/kept")
    after = Record(home).read()
    assert {name for name in before if before[name] != after[name]} == {part}
    spec = {"containers": [{"name": "main", "image": "example/main:1"}]}
    pods = "/api/v1/namespaces/default/pods"
    cluster.api().create(pods, {"metadata": {"name": "next"}, "spec": spec})
    once(cluster.api(), f"{pods}/next", lambda found: found["status"]["phase"] == "Running")


def test_a_port_taken_in_the_meantime_moves_the_api_server(project: Path) -> None:
    stacks.ensure_running(["one"], CONSOLE)
    home = project / "cache" / "sim" / "one"
    toolchain = build.ensure("cluster", CONSOLE)
    cluster = SimCluster.detached(expects("context-one"), home, toolchain)
    kill([Record(home).read()["kube-apiserver"]])
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", cluster.layout.port))
        squatter.listen()
        stacks.ensure_running(["one"], CONSOLE)
        (entry,) = [entry for entry in stacks.status() if entry.stack == "one"]
        assert entry.state == "running"
        assert entry.server != cluster.layout.server


def test_a_machine_restarted_in_between_starts_empty(project: Path) -> None:
    stacks.ensure_running(["one"], CONSOLE)
    home = project / "cache" / "sim" / "one"
    kill(Record(home).read().values())
    shutil.rmtree(data_folder(home))  # as memory loses it
    assert states()["one"] == "stopped"
    stacks.ensure_running(["one"], CONSOLE)
    assert states()["one"] == "running"


def test_a_running_cluster_as_expected_is_left_as_it_is(project: Path) -> None:
    stacks.ensure_running(["one"], CONSOLE)
    home = project / "cache" / "sim" / "one"
    toolchain = build.ensure("cluster", CONSOLE)
    api = SimCluster.detached(expects("context-one"), home, toolchain).api()
    node = "/api/v1/nodes/cpu-1"
    # The mark of a controller that has looked at the node.
    once(api, node, lambda found: "beta.kubernetes.io/os" in found["metadata"]["labels"])

    def identity() -> list[str]:
        paths = (node, "/apis/storage.k8s.io/v1/storageclasses/fast")
        return [got(api, path)["metadata"]["uid"] for path in paths]

    before, processes = identity(), Record(home).read()
    stacks.ensure_running(["one"], CONSOLE)
    assert (identity(), Record(home).read()) == (before, processes)


def test_changed_expectations_change_the_running_cluster(project: Path) -> None:
    stacks.ensure_running(["one"], CONSOLE)
    home = project / "cache" / "sim" / "one"
    toolchain = build.ensure("cluster", CONSOLE)
    api = SimCluster.detached(expects("context-one"), home, toolchain).api()
    api.create("/api/v1/namespaces", {"metadata": {"name": "kept"}})
    write_stack(project, "one", nodes=3)
    stacks.ensure_running(["one"], CONSOLE)
    assert len(api.items("/api/v1/nodes")) == 3
    assert got(api, "/api/v1/namespaces/kept")


def test_a_reset_cluster_is_empty(project: Path) -> None:
    stacks.ensure_running(["one"], CONSOLE)
    home = project / "cache" / "sim" / "one"
    toolchain = build.ensure("cluster", CONSOLE)
    api = SimCluster.detached(expects("context-one"), home, toolchain).api()
    api.create("/api/v1/namespaces", {"metadata": {"name": "lost"}})
    stacks.reset(["one"], CONSOLE)
    api = SimCluster.detached(expects("context-one"), home, toolchain).api()
    assert api.get("/api/v1/namespaces/lost") is None


def test_the_commands_start_show_and_stop_a_stack(project: Path) -> None:
    runner = CliRunner()
    up = runner.invoke(app, ["up", "--stack", "one"])
    assert (up.exit_code, up.stdout.strip()) == (0, str(project / "cache" / "sim" / "kubeconfig"))
    processes = Record(project / "cache" / "sim" / "one").read().values()
    assert processes
    shown = runner.invoke(app, ["status", "--json"])
    assert '"state": "running"' in shown.stdout
    assert "context-one" in shown.stdout
    down = runner.invoke(app, ["down", "--stack", "one"])
    assert down.exit_code == 0
    assert not any(alive(process) for process in processes)
