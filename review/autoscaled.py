"""Minimum replicas of workloads that KEDA scales."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from review.changes import Change
from review.events import State
from review.reading import count, mapping

_SCALED_OBJECT = "ScaledObject.keda.sh"


def with_minimum_replicas(changes: Iterable[Change]) -> list[Change]:
    """*changes*, with the minimum replicas of each workload that KEDA scales.

    At least one: a workload scaled to zero still serves, because a proxy holds its requests.
    """
    known = list(changes)
    old = _minimum_replicas(change.before for change in known if change.kind == _SCALED_OBJECT)
    new = _minimum_replicas(change.after for change in known if change.kind == _SCALED_OBJECT)
    return [
        replace(change, old=_with(change, change.old, old), new=_with(change, change.new, new))
        for change in known
    ]


def _minimum_replicas(manifests: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """Minimum replicas by kind and name of the target. Defaults: https://keda.sh/docs/2.18/reference/scaledobject-spec/."""
    found: dict[tuple[str, str], int] = {}
    for manifest in manifests:
        spec = mapping(manifest, "spec")
        target = mapping(spec, "scaleTargetRef")
        key = (str(target.get("kind", "Deployment")), str(target.get("name")))
        found[key] = max(1, count(spec, "minReplicaCount", 0))
    return found


def _with(
    change: Change, state: State | None, minimum: Mapping[tuple[str, str], int]
) -> State | None:
    kind = change.kind.partition(".")[0]
    replicas = minimum.get((kind, change.name))
    spec = mapping(state.inputs, "spec") if state else {}
    if state is None or replicas is None or "replicas" in spec:
        return state
    inputs = {**state.inputs, "spec": {**spec, "replicas": replicas}}
    return state.model_copy(update={"inputs": inputs})
