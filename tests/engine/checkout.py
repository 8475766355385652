"""A copy of the checkout that is deployed for real, on a simulated cluster of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock
from rich.console import Console

from config.reference import KEY
from config.settings.cluster import ClusterConfig
from policies.waivers import stack_file
from sim.control_plane import SimCluster
from toolchain import build, cache, environment

_READS_THE_FILE = frozenset({"up", "preview", "refresh", "destroy"})
"""The commands that take `--config-file`."""

_SKIP_CHECKPOINTS = "PULUMI_SKIP_CHECKPOINTS"
"""Makes the engine write the state when a command ends instead of around every step.

30 of the 48 seconds of prod's first `up` are such writes. In pulumi v3.256.0 the variable stands
alone, without PULUMI_EXPERIMENTAL (sdk/go/common/env/env.go:50); the engine records each step in
memory (pkg/backend/snapshot.go:966-977) and the file backend writes the state as the command ends,
be it with success, an error or an interrupt (pkg/backend/diy/backend.go:1370-1381). Only a killed
engine writes nothing: the state is that of before the command, the cluster is not, and the lock
stays. No test kills one, and cluster and state go together.
"""

PROGRAM = (
    "__main__.py",
    "base",
    "catalog",
    "components",
    "config",
    "policies",
    "sizing",
    "weights",
    "Pulumi.yaml",
)
"""What the program needs; the tests change copies of these."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    output: str
    """Standard output and error, in the order they came."""


@dataclass(frozen=True)
class Checkout:
    """The copy, and the shell that plain `pulumi` works in."""

    root: Path
    stack: str
    shell: dict[str, str]
    cluster: SimCluster
    file: str
    """The stack's file, relative to the copy."""
    said: list[str] = field(default_factory=list[str])
    """Everything that `pulumi` has printed."""

    def pulumi(self, *words: str) -> Done:
        """Run `pulumi` as a person would after `eval "$(pai env)"`."""
        named = ["--config-file", self.file] if words[0] in _READS_THE_FILE else []
        options = ["--stack", self.stack, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            ["pulumi", *words, *named, *options],
            cwd=self.root,
            env=self.shell,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.said.append(done.stdout)
        return Done(done.returncode, done.stdout)

    def events(self, command: str) -> list[dict[str, Any]]:
        """The steps of `pulumi preview --json`, but for those that change nothing."""
        done = self.pulumi(command, "--json")
        assert done.code == 0, done.output
        report = json.loads(done.output[done.output.index("{") :])
        return [step for step in report["steps"] if step["op"] != "same"]

    @contextmanager
    def edited(self, file: str, edit: Callable[[str], str]) -> Generator[None]:
        """*file* with its text changed, and back again."""
        path = self.root / file
        before = path.read_text()
        after = edit(before)
        assert after != before, f"the edit of {file} changed nothing"
        path.write_text(after)
        try:
            yield
        finally:
            path.write_text(before)

    @contextmanager
    def configured(self, change: Callable[[Any], None]) -> Generator[None]:
        """The stack's YAML with *change* made to the mapping under `private-ai:stack`."""

        def edit(text: str) -> str:
            content = yaml.safe_load(text)
            change(content["config"][KEY])
            return yaml.safe_dump(content)

        with self.edited(self.file, edit):
            yield


@contextmanager
def checkout(
    stack: str,
    at: Path,
    nodes: Callable[[Any], None] = lambda _: None,
    file: str | None = None,
    *,
    kept: bool = False,
) -> Generator[Checkout]:
    """A copy of the program at *at*, with the cluster that *stack* expects, running.

    Its file is Pulumi.<stack>.yaml, unless *file* is another. *nodes* may change the cluster's
    section first: what is there need not be what is expected. The state of a *kept* stack is
    written before and after every step, as outside of the tests; any other, once a command.
    """
    file = file or f"Pulumi.{stack}.yaml"
    root = at / "checkout"
    root.mkdir(parents=True)
    own = stack_file(Path(), stack).name
    for name in (*PROGRAM, file, *([own] if (environment.PROJECT / own).exists() else [])):
        source = environment.PROJECT / name
        (root / name).parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    settings = yaml.safe_load((root / file).read_text())["config"][KEY]
    nodes(settings["cluster"]["nodes"])
    expects = ClusterConfig.model_validate(settings["cluster"])
    console = Console(stderr=True)
    build.ensure("cluster", console, expects.operators)
    toolchain = build.ensure("pulumi", console)
    with SimCluster.start(expects, at / "cluster", toolchain) as cluster:
        exported = environment.exports(
            toolchain, cluster.kubeconfig, simulated=True, env=os.environ
        )
        (at / "state").mkdir()
        exported |= {
            "PULUMI_BACKEND_URL": f"file://{at / 'state'}",
            "PRIVATE_AI_STACK_FILES": str(at / "stack-files"),
            "PULUMI_OPTION_POLICY_PACK": str(root / "policies" / "pack"),
            _SKIP_CHECKPOINTS: str(not kept).lower(),
        }
        # It writes a file that every checkout of this machine shares.
        with FileLock(cache.root() / "tests.lock"):
            environment.ensure_stacks(exported, [stack])
        yield Checkout(root, stack, environment.applied(exported), cluster, file)
