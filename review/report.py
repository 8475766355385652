"""The report of a preview: what every format is rendered from, and the JSON schema of it."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from base.model import Model
from base.problems import Problem

Op = Literal["create", "update", "replace", "delete"]


class Verdict(StrEnum):
    """What the report comes to; the worst that holds."""

    CLEAN = "clean"
    CHANGES = "changes"
    REFUSED = "refused by policy"
    DOES_NOT_FIT = "does not fit"
    FAILED = "failed"


class Failure(Model):
    """Why there is no whole preview."""

    message: str = Field(description="The first error, as the engine or the program told it.")
    resource: str = Field(description="The resource that it is about; empty if about none.")
    remedy: str = Field(description="What to do about it.")
    others: int = Field(ge=0, description="Errors after the first.")


class Loss(Model):
    """Something that keeps data and is replaced or deleted."""

    resource: str = Field(description="Kind and name, such as `StatefulSet qdrant`.")
    component: str = Field(description="The component that it belongs to.")
    op: Literal["replace", "delete"] = Field(description="What happens to it.")
    data: Literal["lost", "kept"] = Field(
        description="What happens to the data: `kept` stays on the cluster, out of the stack."
    )
    reason: str = Field(description="Why, and what becomes of the data, in words.")


Effect = Literal["stops", "interrupted", "fewer"]


class Outage(Model):
    """Something that serves, and what the change does to that."""

    resource: str = Field(description="Kind and name of the workload or Service.")
    component: str = Field(description="The component that it belongs to.")
    effect: Effect = Field(
        description="`stops` for good, `interrupted` for a while, or `fewer` replicas for a while."
    )
    seconds: int | None = Field(
        description="At most how long, image pull not counted; null: for good, or no probe says."
    )
    reason: str = Field(description="Why, in this program's own words.")
    also: list[str] = Field(description="Components that need it, nearest first.")


class Amount(Model):
    """A quantity before and after the change."""

    name: str = Field(description="What is counted.")
    unit: Literal["GPUs", "cores", "GiB", "€/month"] = Field(description="In what.")
    before: float | None = Field(description="Before the change; null: not known.")
    after: float | None = Field(description="After it; null: not known.")
    note: str = Field(default="", description="What the number leaves out, if anything.")


class Headroom(Model):
    """GPU memory that a model leaves free of what it may use, on each of its GPUs."""

    name: str = Field(description="The name that users ask for.")
    model_before: str | None = Field(description="Catalog key; null: not served before.")
    model_after: str | None = Field(description="Catalog key; null: no longer served.")
    gpus_before: float | None = Field(description="GPUs of all its replicas.")
    gpus_after: float | None = Field(description="GPUs of all its replicas.")
    free_before: float | None = Field(description="Free share of the GPU's memory, 0 to 1.")
    free_after: float | None = Field(description="Free share of the GPU's memory, 0 to 1.")
    gigabytes_after: float | None = Field(description="The same in GB.")
    tight: bool = Field(description="Whether what is left after the change is under 5 %.")


class Finding(Model):
    """What a policy says."""

    rule: str = Field(description="The rule's id.")
    level: Literal["mandatory", "advisory"] = Field(description="Whether it refuses the change.")
    resource: str = Field(description="Kind and name of the object.")
    component: str = Field(description="The component that it belongs to.")
    message: str = Field(description="Field, value, allowed, remedy.")


class Waiver(Model):
    """A rule of which some findings about an object are let through, and why."""

    rule: str = Field(description="The rule's id.")
    resource: str = Field(description="Kind and name of the object.")
    component: str = Field(description="The component that it belongs to.")
    reason: str = Field(description="The reason that was given.")
    owner: str = Field(description="Who answers for it.")
    expires: str = Field(description="The last day on which it holds, as 2027-01-31.")


class Version(Model):
    """An image, a model or a chart that moves."""

    what: Literal["image", "model", "chart"] = Field(description="Which of them.")
    name: str = Field(description="What it is a version of.")
    before: str | None = Field(description="Tag, digest, revision; null: it is new.")
    after: str | None = Field(description="The same after the change; null: it goes.")
    used_by: list[str] = Field(description="Components that use it.")


class Opening(Model):
    """A permission or a way through the network that was not there before."""

    what: Literal["egress", "ingress", "permission", "route", "privilege"] = Field(
        description="Which of them."
    )
    resource: str = Field(description="Kind and name of the object.")
    component: str = Field(description="The component that it belongs to.")
    text: str = Field(description="Who may now do what.")
    outside: bool = Field(description="Whether it opens to, or for, something beyond the cluster.")


class PropertyChange(Model):
    """One property before and after."""

    path: str = Field(description="Where; list items are named by their `name`.")
    before: str | None = Field(description="Text, or JSON; null: it was not there.")
    after: str | None = Field(description="Text, or JSON; null: it goes.")
    difference: list[str] = Field(
        default=[],
        description="Of texts of several lines the lines that differ, as a unified difference.",
    )
    replaces: bool = Field(default=False, description="Whether it forces a replacement.")
    noise: bool = Field(
        default=False, description="Whether only a hash or a generated name differs."
    )


class ResourceChange(Model):
    """What happens to one resource."""

    urn: str = Field(description="Pulumi's name for it.")
    resource: str = Field(description="Kind and name.")
    op: Op = Field(description="What happens.")
    properties: list[PropertyChange] = Field(description="What differs.")
    fingerprint: str = Field(
        description="sha256 of what is planned, without secrets and made-up names."
    )

    @property
    def noise(self) -> bool:
        """Whether nothing but hashes and generated names differs."""
        return bool(self.properties) and all(p.noise for p in self.properties)


class ComponentChange(Model):
    """The changed resources of one component."""

    name: str = Field(description="Its name.")
    kind: str = Field(description="Its class; empty for what is in no component.")
    resources: list[ResourceChange] = Field(description="In the order of the plan.")


class Node(Model):
    """A component in the picture of the change."""

    name: str = Field(description="Its name.")
    kind: str = Field(description="Its class.")
    op: Op | Literal["same"] = Field(description="What happens to it.")
    needs: list[str] = Field(description="Components in the picture that it reads from.")


class Report(Model):
    """What a change would do to a stack."""

    version: Literal[1] = Field(default=1, description="Of this schema.")
    stack: str = Field(description="Name of the stack.")
    simulated: bool = Field(description="Whether the cluster was a simulated one.")
    verdict: Verdict = Field(description="What it comes to.")
    complete: bool = Field(description="False: the preview broke off, the rest is what it found.")
    digest: str = Field(description="sha256 of the plan; equal digests are equal plans.")
    counts: dict[str, int] = Field(description="Resources by what happens to them, `same` too.")
    packs: list[str] = Field(description="Policy packs that looked at it, with their versions.")
    problems: list[Problem] = Field(description="What is wrong with the configuration.")
    failure: Failure | None = Field(description="Why the preview failed, if it did.")
    losses: list[Loss] = Field(description="Data at stake, the lost first.")
    outages: list[Outage] = Field(description="What stops serving, the longest first.")
    amounts: list[Amount] = Field(description="GPUs, CPU, memory, disk, money.")
    headroom: list[Headroom] = Field(description="Of each model, the tightest first.")
    findings: list[Finding] = Field(description="Of the policies, the mandatory first.")
    waivers: list[Waiver] = Field(description="In force on what is planned.")
    versions: list[Version] = Field(description="What moves.")
    openings: list[Opening] = Field(description="What opens, to the outside first.")
    components: list[ComponentChange] = Field(description="Every changed resource.")
    picture: list[Node] = Field(description="The changed components and their neighbours.")


SCHEMA = Path(__file__).parent.parent / "docs" / "reference" / "review.schema.json"


def schema() -> dict[str, Any]:
    """The JSON schema of a report."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
    }


if __name__ == "__main__":  # `make docs`
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
