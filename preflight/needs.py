"""What the objects that the program renders need of the cluster, beside its settings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.existing.named_objects import Named

Object = Mapping[str, Any]
_TEMPLATES = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True)
class Needs:
    """Taken from the inputs of every Kubernetes object of the stack."""

    kinds: Mapping[tuple[str, str], str]
    """`apiVersion` and `kind` to the name of one object of it."""
    runtime_classes: Mapping[str, str]
    """Name to one workload; without those that the stack creates."""
    load_balancers: Sequence[str]
    """Services of type LoadBalancer, `namespace/name`."""


def needs(objects: Sequence[Object]) -> Needs:
    """What *objects*, in camelCase as the API has them, need."""
    own = {o["metadata"]["name"] for o in objects if o["kind"] == "RuntimeClass"}
    runtime = {
        name: o["metadata"]["name"]
        for o in objects
        for pod in _pods(o)
        if isinstance(name := pod.get("runtimeClassName"), str)
    }
    return Needs(
        kinds={(o["apiVersion"], o["kind"]): o["metadata"]["name"] for o in objects},
        runtime_classes={name: user for name, user in runtime.items() if name not in own},
        load_balancers=[
            f"{o['metadata'].get('namespace')}/{o['metadata']['name']}"
            for o in objects
            if o["kind"] == "Service" and o["spec"].get("type") == "LoadBalancer"
        ],
    )


def fixed_names(objects: Iterable[Object]) -> list[Named]:
    """Those of *objects* whose name is not automatic, without namespaces."""
    return [
        Named(each["apiVersion"], each["kind"], metadata.get("namespace", ""), metadata["name"])
        for each in objects
        if "name" in (metadata := each.get("metadata", {})) and each["kind"] != "Namespace"
    ]


def _pods(item: Object) -> Iterator[Object]:
    if item["kind"] in _TEMPLATES:
        yield item["spec"]["template"]["spec"]
