"""The report of a preview, from which all formats are rendered, and its JSON schema."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from base.model import Model
from base.problems import Problem

Op = Literal["create", "update", "replace", "delete"]


class Verdict(StrEnum):
    """The overall result; the most severe that applies."""

    CLEAN = "clean"
    CHANGES = "changes"
    REFUSED = "refused by policy"
    DOES_NOT_FIT = "does not fit"
    FAILED = "failed"


class PreviewFailure(Model):
    """The error of an incomplete preview."""

    message: str = Field(description="First error message of the engine or the program.")
    resource: str = Field(description="Resource that failed; empty if none.")
    fix: str = Field(description="How to fix it.")
    others: int = Field(ge=0, description="Number of further errors.")


class Loss(Model):
    """An object with data that is replaced or deleted."""

    resource: str = Field(description="Kind and name, such as `StatefulSet qdrant`.")
    component: str = Field(description="Component it belongs to.")
    op: Literal["replace", "delete"] = Field(description="Planned operation.")
    data: Literal["lost", "kept"] = Field(
        description="`kept`: the data stays on the cluster, no longer managed by the stack."
    )
    reason: str = Field(description="Cause, and effect on the data.")


class Upgrade(Model):
    """A change that a part, its operator or the API server will not make as asked."""

    resource: str = Field(description="Kind and name, such as `StatefulSet qdrant`.")
    component: str = Field(description="Component it belongs to.")
    effect: Literal["refused", "steps"] = Field(
        description="`refused`: it cannot be made like this, or data would be at stake. `steps`: it"
        " is made, and the steps are needed too."
    )
    problem: Problem = Field(description="The change in four parts.")
    steps: list[str] = Field(description="What works, in this order.")
    source: str = Field(description="File and line, or page, that says so.")


Effect = Literal["stops", "interrupted", "fewer"]


class Outage(Model):
    """An interruption of a workload or Service."""

    resource: str = Field(description="Kind and name of the workload or Service.")
    component: str = Field(description="Component it belongs to.")
    effect: Effect = Field(
        description="`stops` for good, `interrupted` temporarily, or temporarily `fewer` replicas."
    )
    seconds: int | None = Field(
        description="Maximum seconds, without image pulls; null: for good, or not known."
    )
    reason: str = Field(description="Cause.")
    also: list[str] = Field(description="Components that depend on it, nearest first.")


class Amount(Model):
    """A quantity before and after the change."""

    name: str = Field(description="Resource.")
    unit: Literal["GPUs", "cores", "GiB", "€/month", "kWh/month"] = Field(description="Unit.")
    before: float | None = Field(description="Before the change; null: not known.")
    after: float | None = Field(description="After the change; null: not known.")
    note: str = Field(default="", description="How it was counted; empty if obvious.")


class Headroom(Model):
    """Free GPU memory of a model, per GPU, within the limit it may use."""

    name: str = Field(description="Model name in the API.")
    model_before: str | None = Field(description="Catalog key; null: not served before.")
    model_after: str | None = Field(description="Catalog key; null: no longer served.")
    gpus_before: float | None = Field(description="GPUs of all replicas.")
    gpus_after: float | None = Field(description="GPUs of all replicas.")
    free_before: float | None = Field(description="Free share of the GPU's memory, 0 to 1.")
    free_after: float | None = Field(description="Free share of the GPU's memory, 0 to 1.")
    gigabytes_after: float | None = Field(description="Free memory per GPU after the change, GB.")
    tight: bool = Field(description="Whether less than 5 % is free after the change.")


class Rights(Model):
    """What somebody may ask of the models."""

    recorded: bool = Field(
        description="Whether the stack recorded it; older versions recorded only the teams."
    )
    models: list[str] | None = Field(
        description="Served names that may be asked; null: those of the person's team."
    )
    every_model: bool = Field(description="Whether later models are included.")
    tokens_per_minute: int | None = Field(description="Rate limit; null: none, or not recorded.")
    requests_per_minute: int | None = Field(description="Rate limit; null: none, or not recorded.")
    new_users: str = Field(default="", description="Role of a new user; of the chat only.")


class Access(Model):
    """The rights of a team, of all people in the chat, or of all access tokens together."""

    who: Literal["team", "chat", "access tokens"] = Field(description="Whose rights.")
    name: str = Field(description="Name of the team or application.")
    op: Literal["create", "update", "delete", "same"] = Field(description="What changes.")
    before: Rights | None = Field(description="Before the change; null: new.")
    after: Rights | None = Field(description="After the change; null: removed.")
    key: str = Field(description="Secret with its API key, in the program; empty if it has none.")
    key_op: Op | Literal["same"] = Field(description="What becomes of the API key.")
    by_hand: bool = Field(
        description="Whether its group and client must be made or deleted in Keycloak by hand,"
        " which imports its realm only once."
    )


class PolicyFinding(Model):
    """A violation of a policy."""

    rule: str = Field(description="The rule's id.")
    level: Literal["mandatory", "advisory"] = Field(
        description="`mandatory` violations block the change."
    )
    resource: str = Field(description="Kind and name of the object.")
    component: str = Field(description="Component it belongs to.")
    problem: Problem | None = Field(
        default=None, description="The error in four parts; null if the pack does not report them."
    )
    message: str = Field(default="", description="Message of the pack; empty if `problem` is set.")


class Waiver(Model):
    """An exception from a rule that let something through."""

    rule: str = Field(description="The rule's id.")
    reason: str = Field(description="Reason for the exception.")
    owner: str = Field(description="Person or team responsible.")
    expires: str = Field(description="Last day on which it applies (YYYY-MM-DD).")
    findings: int = Field(description="Number of violations that it let through.")
    objects: list[str] = Field(description="Kind and name of the objects that these are about.")


class Version(Model):
    """A changed version of an image, model or chart."""

    what: Literal["image", "model", "chart"] = Field(description="Type.")
    name: str = Field(description="Name of the image, model or chart.")
    before: str | None = Field(description="Tag, digest or revision; null: it is new.")
    after: str | None = Field(
        description="Tag, digest or revision after the change; null: it is removed."
    )
    used_by: list[str] = Field(description="Components that use it.")
    moved_from: str | None = Field(
        default=None, description="Registry and name before, if the same image comes from another."
    )

    @property
    def digest_only(self) -> bool:
        """Whether the tag stays and its content differs."""
        tags = [(version or "").partition("@")[0] for version in (self.before, self.after)]
        return self.before != self.after and bool(tags[0]) and tags[0] == tags[1]


Reach = Literal["internet", "node", "api", "network", "namespaces", "namespace"]
REACHES: tuple[Reach, ...] = get_args(Reach)
"""From the widest reach to the narrowest, the order in which openings are told."""
OpeningKind = Literal["egress", "ingress", "network", "permission", "route", "privilege"]


class Opening(Model):
    """Access that did not exist before, or no longer exists."""

    op: Literal["opened", "closed"] = Field(description="Whether it is new or gone.")
    what: OpeningKind = Field(description="Type of access; `network`: between pods.")
    reach: Reach = Field(
        description="How far it reaches: the `internet` (also where the address is not known); the"
        " `node` under the pods; the `api` of Kubernetes; a private `network`; pods of other"
        " `namespaces`; pods of the same `namespace`."
    )
    who: list[str] = Field(
        min_length=1, description="Pods, addresses, objects or subjects that gain or lose it."
    )
    may: list[str] = Field(
        min_length=1, description="What each of them may do, such as `may reach … on port …`."
    )
    resources: list[str] = Field(description="Objects that say so; none for outputs of the stack.")
    components: list[str] = Field(description="Components of these objects.")


class PropertyChange(Model):
    """One property before and after."""

    path: str = Field(description="Path of the property; list items by their `name`.")
    before: str | None = Field(description="Value as text or JSON; null: not set.")
    after: str | None = Field(description="Value as text or JSON; null: removed.")
    difference: list[str] = Field(
        default=[],
        description="Unified diff of multi-line texts.",
    )
    replaces: bool = Field(default=False, description="Whether it forces a replacement.")
    noise: bool = Field(
        default=False, description="Whether only a hash or a generated name differs."
    )


class ResourceChange(Model):
    """The planned operation on one resource."""

    urn: str = Field(description="Pulumi URN.")
    resource: str = Field(description="Kind and name.")
    op: Op = Field(description="Planned operation.")
    properties: list[PropertyChange] = Field(description="Changed properties.")
    fingerprint: str = Field(
        description="sha256 of the planned operation, without secrets and generated names."
    )

    @property
    def noise(self) -> bool:
        """Whether nothing but hashes and generated names differs."""
        return bool(self.properties) and all(p.noise for p in self.properties)


OUTPUTS = "outputs"
"""The outputs of the stack, where they are listed as a resource."""


class ComponentChange(Model):
    """The changed resources of one component."""

    name: str = Field(description="Its name.")
    kind: str = Field(description="Its class; empty for resources outside all components.")
    resources: list[ResourceChange] = Field(
        description="Changed resources, in the order of the plan."
    )


class Node(Model):
    """A component in the graph of the change."""

    name: str = Field(description="Its name.")
    kind: str = Field(description="Its class.")
    op: Op | Literal["same"] = Field(description="Planned operation.")
    needs: list[str] = Field(description="Components of the graph that it depends on.")


class Report(Model):
    """The effects of a change on a stack."""

    version: Literal[1] = Field(default=1, description="Version of this schema.")
    stack: str = Field(description="Name of the stack.")
    simulated: bool = Field(description="Whether the cluster was a simulated one.")
    verdict: Verdict = Field(description="Overall result.")
    complete: bool = Field(
        description="Whether the preview completed; if not, the report is partial."
    )
    digest: str = Field(
        description="sha256 of the plan; equal digests are equal plans. Empty if there is no plan."
    )
    counts: dict[str, int] = Field(description="Resources by operation, including `same`.")
    packs: list[str] = Field(description="Policy packs that ran, with versions.")
    problems: list[Problem] = Field(description="Errors in the configuration.")
    failure: PreviewFailure | None = Field(
        description="Error of the preview; null if there was none."
    )
    losses: list[Loss] = Field(description="Data at risk, lost data first.")
    upgrades: list[Upgrade] = Field(
        default=[], description="Changes that will not happen as asked, refused ones first."
    )
    outages: list[Outage] = Field(
        description="Service interruptions, most severe and longest first."
    )
    takeovers: list[str] = Field(
        default=[],
        description="Namespaces of others that it takes over, as platform.adopt_namespaces says.",
    )
    amounts: list[Amount] = Field(description="GPUs, CPU, memory, disk, cost.")
    headroom: list[Headroom] = Field(description="Free GPU memory per model, tightest first.")
    findings: list[PolicyFinding] = Field(description="Policy violations, mandatory ones first.")
    waivers: list[Waiver] = Field(
        description="Waivers that let violations on planned resources through."
    )
    access: list[Access] = Field(
        description="Who may ask which models, and how much: changes first."
    )
    versions: list[Version] = Field(description="Changed images, models and charts.")
    openings: list[Opening] = Field(
        description="New access, then closed access, each with the widest reach first."
    )
    components: list[ComponentChange] = Field(description="All changed resources.")
    picture: list[Node] = Field(description="Changed components and their neighbors.")


SCHEMA = Path(__file__).parent.parent / "docs" / "reference" / "review.schema.json"


def schema() -> dict[str, Any]:
    """The JSON schema of a report."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
    }


if __name__ == "__main__":  # `make docs`
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
