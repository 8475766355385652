"""Rules, the resources they read and the findings they report: typed data, no Pulumi.

Rules import only the standard library and the modules of `base` that do the same, so that the pack
runs next to any Pulumi program.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, Literal

from base.problems import Problem


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown until the update"


UNKNOWN: Final[Literal[Unknown.UNKNOWN]] = Unknown.UNKNOWN
"""A value that the preview cannot know; rules skip it, and the update checks it."""


Node = Any
"""Any part of a manifest: JSON, or `UNKNOWN`."""
Manifest = Mapping[str, Node]


class Severity(StrEnum):
    """How serious a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """Effect of a finding on the deployment."""

    MANDATORY = "mandatory"
    """Blocks it."""
    ADVISORY = "advisory"
    """Is only printed."""


@dataclass(frozen=True)
class Managed:
    """Pulumi's own data on an object, beyond its manifest."""

    protected: bool
    """Whether Pulumi refuses to delete or replace it."""
    secret_inputs: frozenset[str]
    """Top-level inputs that are marked secret, in whole or in part."""


@dataclass(frozen=True)
class Facts:
    """What no manifest shows; read by `policies.facts`."""

    encrypted_classes: frozenset[str] = frozenset()
    """Storage classes that the cluster's operator declares encrypted."""
    image_users: Mapping[str, int] = field(default_factory=dict[str, int])
    """User that owns the files of an image, by its repository without the registry's host."""


NO_FACTS: Final = Facts()


@dataclass(frozen=True)
class Resource:
    """A Kubernetes object as Pulumi passes it to policies: camelCase, secrets in plaintext."""

    kind: str
    """Kind, with its API group if it has one: `Pod`, `Deployment.apps`, `Tenant.minio.min.io`."""
    props: Manifest
    """The manifest; values not known yet are `UNKNOWN`."""
    urn: str = ""
    """URN of the Pulumi resource; empty for plain manifests."""
    managed: Managed | None = None
    """None for plain manifests, or if not known."""
    facts: Facts = NO_FACTS
    """Of its cluster and its images; none for plain manifests."""

    @property
    def id(self) -> str:
        """`KIND/NAMESPACE/NAME`, the form waivers use; NAME is the Pulumi name if there is one.

        A missing or unknown namespace is `-`.
        """
        metadata = self.props.get("metadata")
        read = metadata if isinstance(metadata, Mapping) else {}
        namespace, name = (
            part if isinstance(part := read.get(key), str) and part else "-"
            for key in ("namespace", "name")
        )
        return f"{self.kind}/{namespace}/{self.urn.rsplit('::', 1)[-1] or name}"

    @classmethod
    def of(cls, manifest: Manifest, urn: str = "", facts: Facts = NO_FACTS) -> "Resource":
        """Build the resource of a plain manifest that has `apiVersion` and `kind`."""
        group, slash, _ = str(manifest["apiVersion"]).partition("/")
        kind = str(manifest["kind"])
        return cls(f"{kind}.{group}" if slash else kind, manifest, urn, facts=facts)


@dataclass(frozen=True)
class Finding:
    """One violation. No field ever quotes a Secret, a ConfigMap or an environment variable."""

    path: str
    """The field."""
    got: str
    """Its value, or what is wrong with it."""
    allowed: str
    """Values it may have."""
    change: str = ""
    """What to do; empty: the remedy of the rule."""
    subject: str = ""
    """The part a waiver can select: a host path, a capability, a storage class."""
    resource: Resource | None = None
    """The object it is about; set by stack rules, filled in for other rules."""
    unreadable: bool = False
    """The rule could not judge the object; no waiver covers that."""
    rule: str = ""
    """Id of the rule; filled in."""
    level: Level = Level.MANDATORY
    """Level of the rule; filled in."""

    @property
    def message(self) -> str:
        """The rule's id and the problem, as Pulumi prints it; Pulumi indents the lines itself."""
        return f"[{self.rule}] {self.problem}"

    @property
    def problem(self) -> Problem:
        """The four parts of an error."""
        return Problem(path=self.path, got=self.got, allowed=self.allowed, change=self.change)


Check = Callable[[Resource], Iterable[Finding]]
StackCheck = Callable[[Sequence[Resource]], Iterable[Finding]]


@dataclass(frozen=True)
class Described:
    """Description common to all rules."""

    id: str
    what: str
    """The requirement, in one sentence."""
    why: str
    """The risk if it is not met."""
    remedy: str
    """The fix, in the imperative."""
    kinds: frozenset[str]
    """Kinds it checks, as in `Resource.kind`."""
    severity: Severity
    covers: tuple[str, ...] = field(kw_only=True)
    """Checks of known linters that it makes, as named in `policies.coverage`."""
    frameworks: tuple[str, ...] = field(default=(), kw_only=True)
    """Sections of published guides that it helps to follow; see `policies.rules.frameworks`."""
    level: Level = field(default=Level.MANDATORY, kw_only=True)
    """Level in stacks that enforce policies; see `policies.levels`."""


@dataclass(frozen=True)
class Rule(Described):
    """A rule that checks one resource at a time."""

    check: Check


@dataclass(frozen=True)
class StackRule(Described):
    """A rule that checks all resources of a stack together."""

    check: StackCheck
    also_reads: frozenset[str] = field(default=frozenset(), kw_only=True)
    """Kinds that it consults without checking them."""

    @property
    def reads(self) -> frozenset[str]:
        """All kinds it needs."""
        return self.kinds | self.also_reads
