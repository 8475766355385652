"""The steps of a preview as one change a resource, under the component that it belongs to."""

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
"""Types that are never components of a program's own."""
_PROVIDER = "pulumi:providers:kubernetes"
_NO_COMPONENT = "stack"
"""What the resources outside every component are listed under."""

AUTONAMED = "pulumi.com/autonamed"


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    urn: str
    type: str
    """Pulumi's, such as `kubernetes:apps/v1:Deployment`."""
    op: Op
    component: str
    """Name of the outermost component around it."""
    component_kind: str
    """Class of that component, such as `Qdrant`; empty outside of components."""
    old: State | None
    new: State | None
    delete_first: bool = False
    """A replacement that removes the old object before there is a new one."""
    replacing: frozenset[str] = frozenset()
    """Paths of the properties that force a replacement."""
    noted: frozenset[str] = frozenset()
    """Paths of all properties of which the provider says that they differ."""

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
        """The inputs that it was made with; empty for what is new."""
        return self.old.inputs if self.old else {}

    @property
    def after(self) -> Mapping[str, Any]:
        """The inputs that it will have; empty for what goes."""
        return self.new.inputs if self.new and self.op != "delete" else {}

    @property
    def stays(self) -> bool:
        """Whether the object that there is stays on the cluster, out of the stack's sight."""
        return self.old is not None and self.old.retain_on_delete

    @property
    def label(self) -> str:
        """How a person calls it: `StatefulSet qdrant`."""
        return f"{self.kind.partition('.')[0]} {self.name}"


def changes(steps: Iterable[Step]) -> list[Change]:
    """One change a resource, in the order in which the engine first comes to each."""
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
    # A replacement's own half of a deletion, and leftovers of an update that was broken off.
    op: Op | None = next((_OPS[o] for o in ops if o in _OPS), None)
    if op is None:
        return None
    main = next(step for step in steps if step.op in _OPS)
    if op == "replace":
        main = next((s for s in steps if s.op == "create-replacement"), main)
    removed = ops.index("delete-replaced") if "delete-replaced" in ops else len(ops)
    made = next((i for i, o in enumerate(ops) if _OPS.get(o) == "replace"), len(ops))
    detailed = main.detailed_diff or {}
    if op == "update" and main.type.startswith(_PROVIDER) and _elsewhere(main):
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
        noted=frozenset(detailed),
    )


def _elsewhere(step: Step) -> bool:
    """Whether a provider only finds its kubeconfig in another place: each machine has its own."""
    old, new = (
        {k: v for k, v in (state.inputs if state else {}).items() if k != "kubeconfig"}
        for state in (step.old, step.new)
    )
    return old == new


def _component(urn: str, states: Mapping[str, State]) -> tuple[str, str]:
    """Name and class of the outermost component around *urn*, itself included."""
    found = (_NO_COMPONENT, "")
    at, seen = urn, set[str]()
    while at and at not in seen:
        seen.add(at)
        state = states.get(at)
        types, _, name = at.rpartition("::")
        type_ = state.type if state else re.split(r"::|\$", types)[-1]
        # A component that goes is told of last, and not at all if the preview breaks off before.
        custom = state.custom if state else type_.startswith(_PROVIDED)
        if not custom and type_ != STACK_TYPE:
            found = (name, type_.rsplit(":", maxsplit=1)[-1])
        at = state.parent if state else ""
    return found


class Names:
    """The names that Pulumi made up: they end in random digits, new ones in each preview."""

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
        """*value* with every made-up name written as the object that it belongs to."""
        if isinstance(value, str):
            return self._any.sub(lambda match: self._known[match[0]], value)
        if isinstance(value, Mapping):
            return {key: self.settled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.settled(item) for item in value]
        return value
