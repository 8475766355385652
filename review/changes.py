"""The steps of a preview as one change per resource, with the component it belongs to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from review.events import STACK_TYPE, State, Step
from review.reading import mapping

Op = Literal["create", "update", "replace", "delete", "same"]

_OPS: Mapping[str, Op] = {
    "create": "create",
    "import": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "import-replacement": "replace",
    "delete": "delete",
    "same": "same",
}
_PROVIDED = ("kubernetes:", "random:", "tls:", "pulumi:")
"""Prefixes of types that are never components of the program."""
_PROVIDER = "pulumi:providers:kubernetes"
NO_COMPONENT = "stack"
"""Heading of resources outside all components."""

AUTONAMED = "pulumi.com/autonamed"


@dataclass(frozen=True)
class Change:
    """The planned operation on one resource."""

    urn: str
    type: str
    """Pulumi type token, such as `kubernetes:apps/v1:Deployment`."""
    op: Op
    component: str
    """Name of the outermost component around it."""
    component_kind: str
    """Class of that component, such as `Qdrant`; empty outside of components."""
    old: State | None
    new: State | None
    delete_first: bool = False
    """Whether a replacement deletes the old object before it creates the new one."""
    replacing: frozenset[str] = frozenset()
    """Paths of the properties that force a replacement."""
    reported: frozenset[str] = frozenset()
    """Paths of all properties that the provider reports as changed."""

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rsplit("::", maxsplit=1)[-1]

    @property
    def kind(self) -> str:
        """The kind, with its group if it has one: `Deployment.apps`, `Secret`, `RandomPassword`."""
        package, _, rest = self.type.partition(":")
        module, _, kind = rest.partition(":")
        group, slash, _ = module.partition("/")
        own_group = package == "kubernetes" and slash and group != "core"
        return f"{kind}.{group}" if own_group else kind

    @property
    def before(self) -> Mapping[str, Any]:
        """Its current inputs; empty if it is new."""
        return self.old.inputs if self.old else {}

    @property
    def after(self) -> Mapping[str, Any]:
        """Its planned inputs; empty if it is deleted."""
        return self.new.inputs if self.new and self.op != "delete" else {}

    @property
    def stays(self) -> bool:
        """Whether its object stays on the cluster after a deletion (retainOnDelete)."""
        return self.old is not None and self.old.retain_on_delete

    @property
    def label(self) -> str:
        """Kind and name for readers: `StatefulSet qdrant`."""
        return f"{self.kind.partition('.')[0]} {self.name}"


def changes(steps: Iterable[Step]) -> list[Change]:
    """One change per resource, in the order of the engine's first step on each."""
    by_urn: dict[str, list[Step]] = {}
    for step in steps:
        if step.type != STACK_TYPE:
            by_urn.setdefault(step.urn, []).append(step)
    parents = {
        state.urn: state for of in by_urn.values() for s in of for state in (s.old, s.new) if state
    }
    found = [_change(urn, of, parents) for urn, of in by_urn.items()]
    return [change for change in found if change]


def _change(urn: str, steps: list[Step], states: Mapping[str, State]) -> Change | None:
    ops = [step.op for step in steps]
    # None: the deletion half of a replacement, or leftovers of an interrupted update.
    op: Op | None = next((_OPS[o] for o in ops if o in _OPS), None)
    if op is None:
        return None
    main = next(step for step in steps if step.op in _OPS)
    if op == "replace":
        main = next((s for s in steps if s.op == "create-replacement"), main)
    removed = ops.index("delete-replaced") if "delete-replaced" in ops else len(ops)
    made = next((i for i, o in enumerate(ops) if _OPS.get(o) == "replace"), len(ops))
    detailed = main.detailed_diff or {}
    if op == "update" and main.type.startswith(_PROVIDER) and _only_kubeconfig_differs(main):
        op = "same"
    owner, kind = _component(urn, states)
    return Change(
        urn=urn,
        type=main.type,
        op=op,
        component=owner,
        component_kind=kind,
        old=main.old or next((s.old for s in steps if s.old), None),
        new=main.new or next((s.new for s in steps if s.new), None),
        delete_first=op == "replace" and removed < made,
        replacing=frozenset(p for p, d in detailed.items() if d.diff_kind.endswith("-replace")),
        reported=frozenset(detailed),
    )


def _only_kubeconfig_differs(step: Step) -> bool:
    """Whether only the kubeconfig of a provider differs; its path differs per machine."""
    old, new = (
        {k: v for k, v in (state.inputs if state else {}).items() if k != "kubeconfig"}
        for state in (step.old, step.new)
    )
    return old == new


def _component(urn: str, states: Mapping[str, State]) -> tuple[str, str]:
    """Name and class of the outermost component around *urn*, itself included."""
    found = (NO_COMPONENT, "")
    at, seen = urn, set[str]()
    while at and at not in seen:
        seen.add(at)
        state = states.get(at)
        types, _, name = at.rpartition("::")
        type_ = state.type if state else re.split(r"::|\$", types)[-1]
        # The engine reports deleted components last, or not at all if the preview fails before.
        custom = state.custom if state else type_.startswith(_PROVIDED)
        if not custom and type_ != STACK_TYPE:
            found = (name, type_.rsplit(":", maxsplit=1)[-1])
        at = state.parent if state else ""
    return found


class Names:
    """Generated names: they end in random digits that differ in each preview."""

    def __init__(self, of: Iterable[Change]) -> None:
        self._known: dict[str, str] = {}
        for change in of:
            for inputs in (change.before, change.after):
                metadata = mapping(inputs, "metadata")
                if mapping(metadata, "annotations").get(AUTONAMED) == "true":
                    self._known[str(metadata.get("name"))] = f"(name of {change.label})"
        longest_first = sorted(self._known, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def settled(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """*value* with every generated name replaced by a label of its object."""
        if isinstance(value, str):
            return self._any.sub(lambda match: self._known[match[0]], value)
        if isinstance(value, Mapping):
            return {key: self.settled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.settled(item) for item in value]
        return value
