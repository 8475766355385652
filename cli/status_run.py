"""What `pai status` shows: the stacks, their parts and pods, and the next step."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.problems import Problem
from cli.backend import another_backend
from cli.complete import stacks
from cli.deployed import Deployed, deployed
from cli.errors import UsageError
from components.cluster_reader import ClusterReader
from sim import cluster

_INSTANCE = "app.kubernetes.io/instance"
"""components/common/labels.py: the part that a pod belongs to."""
_LONGEST_REASON = 120


Kind = Literal["simulated", "real"]
State = Literal["deployed", "not deployed", "stopped", "broken"]


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class PartStatus(_Shown):
    """A part of the stack with pods."""

    name: str
    kind: str = Field(description="Its class.")
    pods: int = Field(description="Pods that should run; those of finished Jobs are left out.")
    ready: int = Field(description="Pods that are ready.")
    reasons: list[str] = Field(description="Why the others are not, each once.")


class StackStatus(_Shown):
    """A stack, as `--json` prints it."""

    stack: str
    cluster: Kind
    state: State
    context: str | None = Field(description="Context of the kubeconfig.")
    parts: list[PartStatus]
    urls: dict[str, str]
    address: str = Field(description="Of the gateway; empty if not deployed.")
    next: list[str] = Field(description="Commands that may come next.")


def statuses(stack: str | None) -> list[StackStatus]:
    """The state of *stack*, or of every one. Raises ProblemError if it cannot be read."""
    if another_backend():
        if stack is None:
            named = ", ".join(another_backend())
            allowed = f"one of {', '.join(stacks(''))}: this shell is set up for a real cluster"
            change = f"name one, or unset {named} to see the simulated ones"
            raise UsageError(Problem("--stack", "nothing", allowed, change))
        return [_real(stack)]
    entries = {entry.stack: entry for entry in cluster.status()}
    if stack is not None and stack not in entries:
        deployed(stack)  # refuses a name that no stack has
    return [_simulated(entries[name]) for name in ([stack] if stack else entries)]


def as_document(found: list[StackStatus]) -> str:
    """*found* as JSON: a list, of one stack too."""
    return RootModel[list[StackStatus]](found).model_dump_json(indent=2)


def _real(stack: str) -> StackStatus:
    found = deployed(stack)
    if found is None:
        return _empty(stack, "real", "not deployed", [f"pai review --stack {stack}"])
    return _deployed(found)


def _simulated(entry: cluster.StackStatus) -> StackStatus:
    up = f"pai up --stack {entry.stack}"
    if entry.state == "stopped":
        return _empty(entry.stack, "simulated", "stopped", [up])
    if entry.state == "broken":
        return _empty(entry.stack, "simulated", "broken", [f"pai sim up --stack {entry.stack}"])
    found = deployed(entry.stack)
    if found is None:
        return _empty(entry.stack, "simulated", "not deployed", [up])
    return _deployed(found)


def _empty(stack: str, kind: Kind, state: State, following: list[str]) -> StackStatus:
    return StackStatus(
        stack=stack,
        cluster=kind,
        state=state,
        context=None,
        parts=[],
        urls={},
        address="",
        next=following,
    )


def _deployed(found: Deployed) -> StackStatus:
    with found.reader() as reader:
        parts = list(_parts(found, reader))
    outputs, stack = found.outputs, found.stack
    waiting = [part.name for part in parts if part.ready < part.pods]
    teams = list(outputs.get("team_keys", {}))
    following = [f"pai open chat --stack {stack}"]
    following += [f"pai secret {team} --stack {stack}" for team in teams[:1]]
    if waiting and not found.simulated:
        following = [f"pai logs {waiting[0]} --stack {stack}"]
    following.append(f"pai review --stack {stack}")
    if found.simulated:
        following.append(f"pai down --stack {stack}")
    return StackStatus(
        stack=stack,
        cluster="simulated" if found.simulated else "real",
        state="deployed",
        context=found.context,
        parts=parts,
        urls=outputs.get("urls", {}),
        address=outputs.get("address") or "",
        next=following,
    )


def _parts(found: Deployed, reader: ClusterReader) -> Iterator[PartStatus]:
    pods = pods_of(found, reader)
    for name, kind in sorted(found.parts.items()):
        own = [pod for pod in pods.get(name, []) if pod["status"].get("phase") != "Succeeded"]
        ready = [pod for pod in own if _is_ready(pod)]
        reasons = dict.fromkeys(_reason(pod) for pod in own if pod not in ready)
        if own:
            yield PartStatus(
                name=name, kind=kind, pods=len(own), ready=len(ready), reasons=list(reasons)
            )


def pods_of(found: Deployed, reader: ClusterReader) -> dict[str, list[Mapping[str, Any]]]:
    """The pods of each part: by their label, those that an operator makes by their name."""
    pods: dict[str, list[Mapping[str, Any]]] = {}
    for namespace in found.namespaces:
        for pod in reader.items(f"/api/v1/namespaces/{namespace}/pods"):
            part = _part_of(pod["metadata"], found.parts)
            if part is not None:
                pods.setdefault(part, []).append(pod)
    return pods


def _part_of(metadata: Mapping[str, Any], parts: Iterable[str]) -> str | None:
    labelled = metadata.get("labels", {}).get(_INSTANCE)
    if labelled in parts:
        return str(labelled)
    begins = [part for part in parts if metadata["name"].startswith(f"{part}-")]
    return max(begins, key=len, default=None)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _reason(pod: Mapping[str, Any]) -> str:
    """Why a pod is not ready: what the scheduler says, what a container waits for, its phase."""
    status = pod["status"]
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason', 'Pending')}: {condition.get('message', '')}"
    for container in [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]:
        state = container.get("state") or {}
        for kind in ("waiting", "terminated"):
            if kind in state and not container.get("ready"):
                reason = state[kind].get("reason", kind)
                if reason != "Completed":
                    return f"{container['name']}: {reason}"
    return str(status.get("phase", "no phase"))


def show(found: list[StackStatus]) -> None:
    """Print it for a person: those that run in detail, the others in a line."""
    console = Console()
    for each in found:
        where = f", context {each.context}" if each.context else ""
        line = Text.assemble((each.stack, "bold"), f"  {each.cluster} cluster{where}: {each.state}")
        console.print(line, soft_wrap=True)
        if each.state == "deployed":
            _show_parts(console, each)
    _show_next(console, found)


def _show_parts(console: Console, each: StackStatus) -> None:
    waiting = [part for part in each.parts if part.ready < part.pods]
    ready = len(each.parts) - len(waiting)
    style = "yellow" if waiting else "green"
    console.print(f"  {ready} of {len(each.parts)} parts ready", style=style, highlight=False)
    for part in waiting:
        console.print(
            f"  {part.name} ({part.kind}): {part.ready} of {part.pods} pods ready",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        for reason in part.reasons:
            short = reason[:_LONGEST_REASON] + ("…" if len(reason) > _LONGEST_REASON else "")
            console.print(f"      {short}", markup=False, highlight=False, soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, url in each.urls.items():
        table.add_row(f"  {name}", Text(url, style="bold"))
    if each.address:
        table.add_row("  gateway address", each.address)
    console.print(table)
    if each.cluster == "simulated":
        console.print("  No container runs on a simulated cluster: nothing answers there.")


def _show_next(console: Console, found: list[StackStatus]) -> None:
    following = next(
        (
            lines
            for states in (("deployed", "broken"), ("not deployed",))
            if (lines := [line for each in found if each.state in states for line in each.next])
        ),
        [*(found[0].next if len(found) == 1 else ["pai up"]), "pai size MODEL", "pai --help"],
    )
    console.print("\nNext: " + following[0], markup=False, highlight=False, soft_wrap=True)
    for line in following[1:]:
        console.print(f"      {line}", markup=False, highlight=False, soft_wrap=True)
