"""Building what is missing, with a stand-in for Go that is done at once."""

import io
import os
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console

from toolchain import build, cache, seal
from toolchain.errors import ToolchainError
from toolchain.locate import built, folder_of
from toolchain.pins import DATA, PARTS

pytestmark = pytest.mark.slow

_GO = """#!/bin/sh
[ "$1" = env ] && { echo go1.26.0; exit 0; }
echo "$@" >> "$LOG"
if [ "$1" = mod ]; then
  echo "{\\"Dir\\": \\"$MODULE\\", \\"Version\\": \\"$VERSION\\"}"; exit 0
fi
for word; do last=$word; [ "$previous" = -o ] && out=$word; previous=$word; done
case "$last" in *"$FAILS") echo "main.go:1: it does not compile" >&2; exit 1;; esac
printf '#!/bin/sh\\necho v3.256.0\\n' > "$out"; chmod +x "$out"
"""


class Workshop:
    """An empty cache, a fake `go` and what was asked of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.screen = io.StringIO()
        self.console = Console(file=self.screen, width=200)
        self._log = folder / "log"
        self._log.touch()
        self.program("bin", "go", _GO)
        module = folder / "module"
        for kept in ("kustomize/stage", "kustomize/crd", "config/crd/bases", "python/cmd"):
            (module / kept).mkdir(parents=True)
        (module / "kustomize/stage/node.yaml").write_text("a stage")
        (module / "python/cmd/pulumi-language-python-exec").write_text("#!/usr/bin/env python\n")
        values = {"LOG": self._log, "MODULE": module, "FAILS": "nothing", "VERSION": "v0.8.0"}
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setenv("PAI_CACHE", str(folder / "cache"))
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
        # One version for whatever module is asked for.
        data = self.data = [entry.model_copy(update={"version": "v0.8.0"}) for entry in DATA]
        monkeypatch.setattr("toolchain.build.DATA", data)
        monkeypatch.setattr("toolchain.locate.DATA", data)

    def program(self, folder: str, name: str, text: str) -> Path:
        """An executable file of *text*."""
        program = self.folder / folder / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
        return program

    @property
    def asked(self) -> list[str]:
        """The commands that `go` got since the last call."""
        commands = self._log.read_text().splitlines()
        self._log.write_text("")
        return commands


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    return Workshop(tmp_path, monkeypatch)


def test_only_the_group_asked_for_is_built(workshop: Workshop) -> None:
    toolchain = build.ensure("cluster", workshop.console)
    assert toolchain.path("etcd").exists()
    with pytest.raises(ToolchainError, match=r"(?s)no pulumi.*`pai toolchain build pulumi`"):
        toolchain.path("pulumi")


def test_what_is_built_is_not_built_again(workshop: Workshop) -> None:
    build.ensure("cluster", workshop.console)
    assert len(workshop.asked) > 1
    build.ensure("cluster", workshop.console)
    assert workshop.asked == []


def test_a_program_that_changed_since_its_build_is_not_used(workshop: Workshop) -> None:
    program = build.ensure("cluster", workshop.console).path("etcd")
    program.write_text("others")
    with pytest.raises(ToolchainError, match=r"(?s)etcd.*as built.*`pai toolchain build cluster`"):
        build.ensure("cluster", workshop.console)


def test_pulumi_with_another_digest_than_the_one_demanded_is_not_used(workshop: Workshop) -> None:
    build.ensure("pulumi", workshop.console)
    workshop.monkeypatch.setenv(seal.PIN, "0" * 64)
    with pytest.raises(ToolchainError, match=seal.PIN):
        build.ensure("pulumi", workshop.console)
    build.ensure("cluster", workshop.console)


def test_a_part_is_built_stripped_stamped_and_without_paths_of_the_machine(
    workshop: Workshop,
) -> None:
    build.ensure("cluster", workshop.console)
    command = next(line for line in workshop.asked if line.endswith("cmd/kube-scheduler"))
    assert "-trimpath" in command
    assert "-ldflags -s -w -X k8s.io/component-base/version.gitVersion=v1.36.3" in command


def test_progress_names_each_part_and_how_many_there_are(workshop: Workshop) -> None:
    build.ensure("cluster", workshop.console)
    assert "Building kube-apiserver v1.36.3 (6 of 10)" in workshop.screen.getvalue()


def test_a_controller_is_built_for_who_asks_for_it_and_for_nobody_else(workshop: Workshop) -> None:
    toolchain = build.ensure("cluster", workshop.console, ["minio", "leader-worker-set"])
    assert toolchain.path("lws").exists()
    assert toolchain.module_dir("leader-worker-set").exists()
    with pytest.raises(ToolchainError, match=r"(?s)no keda.*`pai toolchain build keda`"):
        toolchain.path("keda")


def test_a_failed_build_says_which_module_and_why_and_what_to_do(workshop: Workshop) -> None:
    workshop.monkeypatch.setenv("FAILS", "cmd/kube-scheduler")
    with pytest.raises(ToolchainError) as caught:
        build.ensure("cluster", workshop.console)
    said = str(caught.value)
    assert "kube-scheduler (module toolchain/go/cluster)" in said
    assert "main.go:1: it does not compile" in said
    assert "change:" in said


def test_after_a_failure_finished_parts_stay_and_the_rest_is_made(workshop: Workshop) -> None:
    workshop.monkeypatch.setenv("FAILS", "cmd/kube-scheduler")
    with pytest.raises(ToolchainError):
        build.ensure("cluster", workshop.console)
    workshop.monkeypatch.setenv("FAILS", "nothing")
    assert any(line.endswith("cmd/kube-apiserver") for line in workshop.asked)
    build.ensure("cluster", workshop.console)
    again = [line.rsplit("/", 1)[-1] for line in workshop.asked]
    assert again == ["kube-scheduler", "kwok"]


def test_a_failed_build_leaves_nothing_half_made(workshop: Workshop) -> None:
    workshop.monkeypatch.setenv("FAILS", "cmd/kube-scheduler")
    with pytest.raises(ToolchainError):
        build.ensure("cluster", workshop.console)
    part = next(part for part in PARTS if part.name == "kube-scheduler")
    assert not built(part)
    assert list(folder_of(part).parent.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("write: no space left on device", "free some disk space"),
        ("SECURITY ERROR checksum mismatch", "differs from the pin in toolchain/go"),
        ("dial tcp: lookup proxy: no such host", "GOPROXY"),
    ],
)
def test_a_known_cause_gets_its_own_remedy(workshop: Workshop, words: str, change: str) -> None:
    failing = _GO.replace("main.go:1: it does not compile", words)
    workshop.program("bin", "go", failing)
    workshop.monkeypatch.setenv("FAILS", "cmd/kube-apiserver")
    with pytest.raises(ToolchainError, match=change):
        build.ensure("cluster", workshop.console)


def test_two_at_once_wait_for_each_other_and_build_once(workshop: Workshop) -> None:
    cache.root().mkdir(parents=True)
    other = FileLock(cache.root() / "build.lock", thread_local=False)
    other.acquire()
    waiting = threading.Event()

    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if "Waiting for another pai" in text:
                waiting.set()
            return super().write(text)

    second = threading.Thread(
        target=build.ensure, args=("cluster", Console(file=Screen(), width=200))
    )
    second.start()
    assert waiting.wait(timeout=20)
    for entry in (*workshop.data, *PARTS):
        folder_of(entry).mkdir(parents=True)  # what the first one made meanwhile
    other.release()
    second.join(timeout=20)
    assert not second.is_alive()
    assert workshop.asked == []


def test_data_files_are_copied_out_of_the_module(workshop: Workshop) -> None:
    toolchain = build.ensure("cluster", workshop.console)
    assert (toolchain.module_dir("kwok") / "kustomize/stage/node.yaml").read_text() == "a stage"


def test_data_of_another_version_than_the_table_says_is_refused(workshop: Workshop) -> None:
    workshop.monkeypatch.setenv("VERSION", "v0.9.0")
    with pytest.raises(
        ToolchainError, match=r"(?s)go\.mod\s+got: +sigs.k8s.io/kwok v0\.9\.0.*v0\.8\.0"
    ):
        build.ensure("cluster", workshop.console)


def test_an_unknown_part_is_refused_with_the_names_there_are(workshop: Workshop) -> None:
    toolchain = build.ensure("cluster", workshop.console)
    with pytest.raises(ToolchainError, match=r"(?s)kubelet.*kube-apiserver"):
        toolchain.path("kubelet")
    with pytest.raises(ToolchainError, match=r"(?s)kubelet.*cloudnative-pg"):
        toolchain.module_dir("kubelet")


def test_built_plugins_lie_where_the_engine_looks_for_the_version_of_their_sdk(
    workshop: Workshop,
) -> None:
    toolchain = build.ensure("pulumi", workshop.console)
    plugin = toolchain.path("pulumi-resource-kubernetes")
    assert plugin.parent.parent == toolchain.home / "plugins"
    assert plugin.parent.name == "resource-kubernetes-v4.24.0"


def test_the_language_host_and_its_script_lie_beside_the_cli(workshop: Workshop) -> None:
    toolchain = build.ensure("pulumi", workshop.console)
    beside = toolchain.path("pulumi").parent
    assert (beside / "pulumi-language-python").exists()
    assert os.access(beside / "pulumi-language-python-exec", os.X_OK)


def _machine_has(workshop: Workshop, version: str) -> Path:
    workshop.program("own", "pulumi-language-python", "#!/bin/sh\n")
    pulumi = workshop.program("own", "pulumi", f"#!/bin/sh\necho v{version}\n")
    path = f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}"
    workshop.monkeypatch.setenv("PATH", path)
    return pulumi


def test_a_new_enough_pulumi_of_the_machine_wins_and_nothing_is_built_for_it(
    workshop: Workshop,
) -> None:
    own = _machine_has(workshop, "3.300.0")
    toolchain = build.ensure("pulumi", workshop.console)
    assert toolchain.path("pulumi") == own
    assert toolchain.path("pulumi-language-python") == own.parent / "pulumi-language-python"
    assert workshop.asked == []


def test_the_cluster_is_built_whatever_pulumi_the_machine_has(workshop: Workshop) -> None:
    _machine_has(workshop, "3.300.0")
    assert build.ensure("all", workshop.console).path("etcd").exists()


def test_a_pulumi_that_is_too_old_is_passed_over(workshop: Workshop) -> None:
    own = _machine_has(workshop, "3.255.9")
    assert build.ensure("pulumi", workshop.console).path("pulumi") != own


def test_a_pulumi_without_its_language_host_is_passed_over(workshop: Workshop) -> None:
    own = _machine_has(workshop, "3.300.0")
    (own.parent / "pulumi-language-python").unlink()
    assert build.ensure("pulumi", workshop.console).path("pulumi") != own


def test_our_own_pulumi_on_path_is_not_taken_for_the_machines(workshop: Workshop) -> None:
    built = build.ensure("pulumi", workshop.console)
    launcher = Path(build.__file__).parent / "bin"
    path = [str(launcher), str(built.home / "bin"), os.environ["PATH"]]
    workshop.monkeypatch.setenv("PATH", os.pathsep.join(path))
    assert build.ensure("pulumi", workshop.console).existing is None


def test_a_plugin_that_the_machine_lacks_is_named_with_the_command_that_installs_it(
    workshop: Workshop,
) -> None:
    _machine_has(workshop, "3.300.0")
    workshop.monkeypatch.setenv("PULUMI_HOME", str(workshop.folder))
    toolchain = build.ensure("pulumi", workshop.console)
    with pytest.raises(
        ToolchainError, match=r"`pulumi plugin install resource kubernetes 4\.24\.0`"
    ):
        toolchain.path("pulumi-resource-kubernetes")


def test_a_plugin_that_the_machine_has_is_used(workshop: Workshop) -> None:
    _machine_has(workshop, "3.300.0")
    workshop.monkeypatch.setenv("PULUMI_HOME", str(workshop.folder))
    folder = workshop.folder / "plugins" / "resource-kubernetes-v4.24.0"
    folder.mkdir(parents=True)
    (folder / "pulumi-resource-kubernetes").touch()
    toolchain = build.ensure("pulumi", workshop.console)
    assert toolchain.path("pulumi-resource-kubernetes").parent == folder


def test_the_shell_decides_neither_flags_nor_workspace_of_a_build(workshop: Workshop) -> None:
    workshop.monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    workshop.program("bin", "go", _GO.replace('echo "$@"', 'echo "$GOFLAGS $CGO_ENABLED $GOWORK"'))
    build.ensure("cluster", workshop.console)
    assert set(workshop.asked) == {"-mod=readonly 0 off"}


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAI_CACHE", "/a/b")
    assert cache.root() == Path("/a/b")
    monkeypatch.delenv("PAI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.root() == Path("/x/private-ai")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.root() == Path.home() / ".cache" / "private-ai"
