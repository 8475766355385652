"""The records of both tables."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from base.model import Model
from catalog.images import image_spec
from catalog.load import read_entries

Size = Literal["never", "patch", "minor", "major"]
"""The longest step of a kind: between which numbers of a version it may lead. `major`: any."""


class Kind(Model):
    """Fields of one kind that cannot change. Paths name no list items."""

    key: str
    """Kind, with its group if it has one, as in `policies.rules.model.Resource.kind`."""
    fixed: list[str] = Field(default_factory=list[str])
    """Fields that cannot change, each with all below it."""
    but: list[str] = Field(default_factory=list[str])
    """Fields below those that can change."""
    replaced: list[str] = Field(default_factory=list[str])
    """Fixed fields for which Pulumi replaces the object, unless it is protected."""
    grows: list[str] = Field(default_factory=list[str])
    """Sizes that may grow, and never shrink."""
    ignored: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    """Fields whose change is accepted, and does nothing to what is there; with the steps."""
    again: list[str] = Field(
        default=[
            "or `kubectl delete {kubectl}`",
            "`pulumi up --refresh`: Pulumi finds it gone, and creates it with the new value",
        ]
    )
    """The steps to another value of a fixed field."""
    defaults: dict[str, str | int] = Field(default_factory=dict[str, str | int])
    """What the API server sets where a field is missing."""
    sources: list[str] = Field(min_length=1)


class Part(Model):
    """Steps between versions of a part."""

    key: str
    images: list[str] = Field(min_length=1)
    """Keys of catalog/images.yaml."""
    keeps: str
    """The data that a version writes and another one has to read."""
    step: Size = "major"
    """Longest step forward in one go; `minor`: one minor version at a time."""
    back: Size = "major"
    """Longest step back that its data survives."""
    roll: Size = "major"
    """Longest step of which old and new pods may serve at the same time."""
    offline: Literal["never", "major"] = "never"
    """Steps forward for which the part stops."""
    forward: str = ""
    """What to know of a step forward."""
    fewer: str = ""
    """What to do before a member goes; empty: members hold nothing that others lack."""
    sources: list[str] = Field(min_length=1)

    @property
    def rules(self) -> bool:
        """Whether some step is not free."""
        free = (self.step, self.back, self.roll) == ("major", "major", "major")
        return not free or self.offline != "never" or bool(self.fewer)

    def owns(self, repository: str) -> bool:
        """Whether *repository* is one of its images, upstream or below a mirror's prefix."""
        return any(f"/{repository}".endswith(f"/{image_spec(key).path}") for key in self.images)


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of which a field cannot change, by kind."""
    return read_entries("upgrades/kinds.yaml", Kind)


@cache
def parts() -> Mapping[str, Part]:
    """Every part of the stack, by name."""
    return read_entries("upgrades/parts.yaml", Part)
