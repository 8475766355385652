"""What a case of a rule is."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from policies import Resource
from policies.rules.model import Managed
from tests.policies.manifests import Manifest, Path, obscured


@dataclass(frozen=True)
class Violating:
    """A deployment that the rule refuses."""

    rule: str
    sentence: str
    """Completes "the rule refuses …"."""
    manifests: Sequence[Manifest]
    at: str
    """The path that the finding names."""
    unknown: tuple[int, Path] | None = None
    """Which manifest, and what in it, not to know yet: then the rule must wait."""
    managed: Managed | None = None
    """What Pulumi knows besides; None: they are plain manifests."""

    @property
    def previewed(self) -> list[Manifest]:
        """The same deployment while that value is not known."""
        assert self.unknown is not None
        index, path = self.unknown
        return [
            obscured(manifest, path) if i == index else manifest
            for i, manifest in enumerate(self.manifests)
        ]


@dataclass(frozen=True)
class Compliant:
    """A deployment that the rule reads and has nothing against."""

    rule: str
    sentence: str
    """Completes "the rule accepts …"."""
    manifests: Sequence[Manifest] = field(default_factory=tuple)
    managed: Managed | None = None


@dataclass(frozen=True)
class NotApplicable:
    """A deployment of kinds that are none of the rule's business."""

    rule: str
    sentence: str
    """Completes "the rule does not judge …"."""
    manifests: Sequence[Manifest] = field(default_factory=tuple)
    managed: Managed | None = None


Case = Violating | Compliant | NotApplicable


def resources(case: Case, manifests: Sequence[Manifest] | None = None) -> list[Resource]:
    """The resources of *case*; of other *manifests* in their place if given."""
    chosen = case.manifests if manifests is None else manifests
    return [replace(Resource.of(manifest), managed=case.managed) for manifest in chosen]
