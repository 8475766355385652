"""What a rule is, what it reads and what it says: typed data, no Pulumi.

Only the standard library is imported here and in every rule, so that the pack also runs beside
programs that share nothing with this one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, Literal


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown until the update"


UNKNOWN: Final[Literal[Unknown.UNKNOWN]] = Unknown.UNKNOWN
"""Stands for a value that a preview cannot know; no rule decides on it, the update does."""


Node = Any
"""Any part of a manifest: JSON, or `UNKNOWN`."""
Manifest = Mapping[str, Node]


class Severity(StrEnum):
    """How bad a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """What a finding does to the deployment."""

    MANDATORY = "mandatory"
    """Refuses it."""
    ADVISORY = "advisory"
    """Is printed."""


@dataclass(frozen=True)
class Managed:
    """What Pulumi knows of an object besides its manifest."""

    protected: bool
    """Whether a destroy, or a replacement, is refused."""
    marked: frozenset[str]
    """The top-level inputs that are marked secret, in whole or in part."""


@dataclass(frozen=True)
class Resource:
    """A Kubernetes object as Pulumi gives it to policies: camelCase, secrets in clear."""

    kind: str
    """`Pod`, `Deployment.apps`, `Tenant.minio.min.io`: the kind, and its group if it has one."""
    props: Manifest
    """The manifest; what is not known yet is `UNKNOWN`."""
    urn: str = ""
    """Of the Pulumi resource, where there is one."""
    managed: Managed | None = None
    """None for plain manifests, and where it is not known."""

    @property
    def id(self) -> str:
        """`KIND/NAMESPACE/NAME`, by which waivers name it; the name is Pulumi's where it has one.

        What has no namespace, or one that is not known, has `-` there.
        """
        metadata = self.props.get("metadata")
        read = metadata if isinstance(metadata, Mapping) else {}
        namespace, name = (
            part if isinstance(part := read.get(key), str) and part else "-"
            for key in ("namespace", "name")
        )
        return f"{self.kind}/{namespace}/{self.urn.rsplit('::', 1)[-1] or name}"

    @classmethod
    def of(cls, manifest: Manifest, urn: str = "") -> "Resource":
        """The resource of a plain manifest with `apiVersion` and `kind`."""
        group, slash, _ = str(manifest["apiVersion"]).partition("/")
        kind = str(manifest["kind"])
        return cls(f"{kind}.{group}" if slash else kind, manifest, urn)


@dataclass(frozen=True)
class Finding:
    """One violation. No field ever holds a value of a Secret, a ConfigMap or an environment."""

    path: str
    """The field."""
    got: str
    """What it holds."""
    allowed: str
    """What it may hold."""
    change: str = ""
    """What to do; the rule's remedy if empty."""
    subject: str = ""
    """What a waiver can name within the rule: a host path, a capability, a storage class."""
    resource: Resource | None = None
    """Whose field; set by stack rules, filled in for the others."""
    rule: str = ""
    """The rule's id, filled in."""
    level: Level = Level.MANDATORY
    """The rule's, filled in."""

    @property
    def message(self) -> str:
        """Field, value, allowed, remedy in one line that begins with the rule's id."""
        return (
            f"[{self.rule}] {self.path}: got {self.got}; "
            f"allowed: {self.allowed}; change: {self.change}"
        )


Check = Callable[[Resource], Iterable[Finding]]
StackCheck = Callable[[Sequence[Resource]], Iterable[Finding]]


@dataclass(frozen=True)
class Described:
    """What every rule says of itself."""

    id: str
    what: str
    """The rule in one sentence."""
    why: str
    """What goes wrong without it."""
    remedy: str
    """What to change, in the imperative."""
    kinds: frozenset[str]
    """The kinds it reads, as in `Resource.kind`."""
    severity: Severity
    rows: tuple[int, ...] = field(kw_only=True)
    """The checks of `policies.union` that it makes; they say which tools have them."""
    frameworks: tuple[str, ...] = field(default=(), kw_only=True)
    """The parts of published guides that it helps to follow; see `policies.rules.frameworks`."""
    level: Level = field(default=Level.MANDATORY, kw_only=True)
    """Where the stack enforces at all; see `policies.levels`."""


@dataclass(frozen=True)
class Rule(Described):
    """A rule that looks at one resource."""

    check: Check


@dataclass(frozen=True)
class StackRule(Described):
    """A rule that looks at all resources together; *kinds* are those that it judges."""

    check: StackCheck
    beside: frozenset[str] = field(default=frozenset(), kw_only=True)
    """The kinds that it consults besides."""

    @property
    def reads(self) -> frozenset[str]:
        """All kinds that it must be given."""
        return self.kinds | self.beside
