"""What is deployed of a stack, and the cluster that it is on."""

import json
import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.problems import Problem
from cli.backend import another_backend
from cli.errors import CommandError
from cli.stack_file import read_stack, stack_file
from components.cluster_reader import ClusterReader, UnreadableError, reading
from sim import cluster
from toolchain import state
from toolchain.environment import PROJECT

_COMPONENT = "private-ai:index:"


@dataclass(frozen=True)
class Deployed:
    """A stack as the state has it; secrets in it are encrypted."""

    stack: str
    simulated: bool
    context: str
    """Of the kubeconfig."""
    kubeconfig: Path | None
    """None: as kubectl finds it."""
    resources: list[Mapping[str, Any]]

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the program."""
        return state.outputs(self.resources)

    @property
    def parts(self) -> dict[str, str]:
        """The class of each part, by its name."""
        return {
            name_of(r): r["type"].removeprefix(_COMPONENT)
            for r in self.resources
            if r["type"].startswith(_COMPONENT)
        }

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that hold objects of the stack."""
        found = (namespace_of(r) for r in self.resources)
        return sorted({namespace for namespace in found if namespace})

    @contextmanager
    def reader(self) -> Generator[ClusterReader]:
        """A reader of the cluster. Raises CommandError where it does not answer."""
        text = self.kubeconfig.read_text(encoding="utf-8") if self.kubeconfig else None
        try:
            with reading(self.context, text) as found:
                yield found
        except UnreadableError as error:
            raise unreadable(self.context, str(error)) from None


def deployed(stack: str) -> Deployed | None:
    """What is deployed of *stack*, in the state that this shell is set up for; None if nothing is.

    Reads files for a simulated stack, and asks Pulumi for a real one. Raises ProblemError.
    """
    stack_file(stack)
    if another_backend():
        resources = _exported(stack)
        context = read_stack(stack).cluster.context if resources else ""
        return Deployed(stack, False, context, None, resources) if resources else None
    saved = state.deployment(stack)
    context = next((e.context for e in cluster.status() if e.stack == stack), None)
    if saved is None or context is None:  # what a stopped cluster had is gone
        return None
    return Deployed(stack, True, context, cluster.kubeconfig(), saved["resources"])


def require(stack: str) -> Deployed:
    """What is deployed of *stack*. Raises CommandError if nothing is."""
    if (found := deployed(stack)) is not None:
        return found
    raise CommandError(
        Problem(
            path="--stack",
            got=f"{stack}, which is not deployed",
            allowed="a stack that is deployed and runs; `pai status` lists them",
            change=f"`pai up --stack {stack}`, or name another",
        )
    )


def unreadable(
    context: str, reason: str, change: str = "check KUBECONFIG with `kubectl get nodes`"
) -> CommandError:
    """The error for a cluster that does not answer."""
    return CommandError(
        Problem(
            path=f"cluster.context {context}",
            got=reason,
            allowed="a cluster that answers, and lets you read it",
            change=change,
        )
    )


def name_of(resource: Mapping[str, Any]) -> str:
    """The name that the program gave it."""
    return str(resource["urn"]).rsplit("::", 1)[-1]


def namespace_of(resource: Mapping[str, Any]) -> str:
    """The namespace of a Kubernetes object; empty for any other resource."""
    metadata = (resource.get("outputs") or {}).get("metadata")
    return str(metadata.get("namespace", "")) if isinstance(metadata, Mapping) else ""


def _exported(stack: str) -> list[Mapping[str, Any]]:
    """The resources of a stack of the backend that the shell names; none where it has no stack."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"],  # noqa: S607
            cwd=PROJECT,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise _no_state(stack, "no pulumi on PATH", 'eval "$(pai env --kubeconfig FILE)"') from None
    if "no stack named" in done.stderr:
        return []
    if done.returncode:
        got = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise _no_state(stack, got, "check PULUMI_BACKEND_URL, and log in to it")
    deployment = json.loads(done.stdout).get("deployment") or {}
    return deployment.get("resources") or []


def _no_state(stack: str, got: str, change: str) -> CommandError:
    allowed = "the state of the stack"
    return CommandError(Problem(f"pulumi stack export --stack {stack}", got, allowed, change))
