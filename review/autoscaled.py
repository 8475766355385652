"""Workloads whose number of pods somebody else decides: how many there are at least."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from review.changes import Change
from review.events import State
from review.reading import count, mapping

_SCALED_OBJECT = "ScaledObject.keda.sh"


def counted(changes: Iterable[Change]) -> list[Change]:
    """*changes*, each workload that KEDA scales with the fewest replicas that it will have.

    At least one: what is scaled to nothing still serves, as something holds its requests.
    """
    known = list(changes)
    old = _fewest(change.before for change in known if change.kind == _SCALED_OBJECT)
    new = _fewest(change.after for change in known if change.kind == _SCALED_OBJECT)
    return [
        replace(change, old=_with(change, change.old, old), new=_with(change, change.new, new))
        for change in known
    ]


def _fewest(manifests: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """By kind and name of what is scaled. Defaults: https://keda.sh/docs/2.18/reference/scaledobject-spec/."""
    found: dict[tuple[str, str], int] = {}
    for manifest in manifests:
        spec = mapping(manifest, "spec")
        target = mapping(spec, "scaleTargetRef")
        key = (str(target.get("kind", "Deployment")), str(target.get("name")))
        found[key] = max(1, count(spec, "minReplicaCount", 0))
    return found


def _with(
    change: Change, state: State | None, fewest: Mapping[tuple[str, str], int]
) -> State | None:
    kind = change.kind.partition(".")[0]
    replicas = fewest.get((kind, change.name))
    spec = mapping(state.inputs, "spec") if state else {}
    if state is None or replicas is None or "replicas" in spec:
        return state
    inputs = {**state.inputs, "spec": {**spec, "replicas": replicas}}
    return state.model_copy(update={"inputs": inputs})
