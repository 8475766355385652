"""Waivers: which findings are accepted, why, by whom and until when. Data, not code.

The pack's own file is `waivers.yaml` next to this module and applies to this project only; other
programs set `PRIVATE_AI_POLICY_WAIVERS` to theirs. PyYAML comes with the Pulumi SDK.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from base.problems import Problem, ProblemError
from policies.levels import project_of, stack_of
from policies.rules.model import Described, Finding, Level, Resource, Severity

FILE = "PRIVATE_AI_POLICY_WAIVERS"
"""Environment variable: path of a waiver file to use instead of the pack's own."""
_OWN = Path(__file__).parent / "waivers.yaml"
_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml, as its wheels are."""
_REQUIRED = ("rule", "resource", "reason", "owner", "expires")
_ALLOWED = frozenset({*_REQUIRED, "subjects", "stack", "optional"})

VALID = Described(
    "waiver-sound",
    "A waiver names an existing rule, a resource, a reason, an owner and an expiry date.",
    "A waiver without an owner, or one that outlives its reason, is a security hole.",
    "complete the waiver, renew it after a review, or fix the violation and remove the waiver",
    frozenset(),
    Severity.HIGH,
    covers=("waiver-accountability",),
)
USED = Described(
    "waiver-used",
    "A waiver suppresses at least one finding.",
    "A waiver that matches nothing will hide the next violation that happens to match it.",
    "remove the waiver, or correct its pattern",
    frozenset(),
    Severity.LOW,
    covers=("waiver-accountability",),
    level=Level.ADVISORY,
)
WAIVER_RULES = (VALID, USED)
"""Rules about the waivers themselves; they cannot be waived."""


class WaiversError(ProblemError, ValueError):
    """The waiver file cannot be used."""


@dataclass(frozen=True)
class Waiver:
    """Permission for some findings of one rule."""

    location: str
    """File and position, for messages."""
    rule: str
    resource: str
    """Pattern of `Resource.id`."""
    reason: str
    owner: str
    expires: date | None
    """Last day on which it applies."""
    subjects: tuple[str, ...] = ("*",)
    """Patterns of `Finding.subject`."""
    stack: str = "*"
    """Pattern of the stack name; plain manifests have no stack, which only `*` matches."""
    project: str = ""
    """Pulumi project that the file applies to; empty: any. Plain manifests match any project."""
    optional: bool = False
    """Whether it may match nothing, because some stacks lack what it is about."""
    mistakes: tuple[tuple[str, str, str], ...] = ()
    """Errors in its text: field, value, allowed values."""

    def matches(self, resource: Resource) -> bool:
        """Whether it is about *resource*."""
        return self.in_stack(resource) and fnmatchcase(resource.id, self.resource)

    def in_stack(self, resource: Resource) -> bool:
        """Whether it applies to the stack of *resource*."""
        project = project_of(resource.urn)
        own_project = not self.project or project in (None, self.project)
        return own_project and fnmatchcase(stack_of(resource.urn) or "", self.stack)

    def applies_to(self, finding: Finding) -> bool:
        """Whether it is about *finding*, expired or not."""
        return (
            finding.rule == self.rule
            and finding.resource is not None
            and any(fnmatchcase(finding.subject, pattern) for pattern in self.subjects)
            and self.matches(finding.resource)
        )

    def in_force(self, today: date) -> bool:
        """Whether it is valid and has not expired by *today*."""
        return not self.mistakes and self.expires is not None and self.expires >= today


@dataclass
class Waivers:
    """The waivers on one day, with a record of those that were used."""

    waivers: Sequence[Waiver]
    today: date
    used: set[str] = field(default_factory=set[str])
    """`Waiver.location` of each waiver that suppressed a finding."""

    @classmethod
    def none(cls) -> "Waivers":
        """An empty list, which suppresses nothing."""
        return cls([], datetime.now(UTC).date())

    def suppresses(self, finding: Finding) -> bool:
        """Whether a waiver in force applies to *finding*."""
        for waiver in self.waivers:
            if waiver.in_force(self.today) and waiver.applies_to(finding):
                self.used.add(waiver.location)
                return True
        return False

    def invalid(self, rules: Collection[str]) -> Iterator[Finding]:
        """A finding for each field that makes a waiver void; *rules* are the known rule ids."""
        for waiver in self.waivers:
            mistakes = list(waiver.mistakes)
            if waiver.rule and waiver.rule not in rules:
                mistakes.append(
                    ("rule", f"`{waiver.rule}`", "the id of a rule (docs/reference/policies.md)")
                )
            if waiver.expires and waiver.expires < self.today:
                mistakes.append(("expires", str(waiver.expires), f"{self.today} or later"))
            for name, got, allowed in mistakes:
                yield _finding(VALID, f"{waiver.location}.{name}", got, allowed)

    def unused(self, resources: Sequence[Resource]) -> Iterator[Finding]:
        """A finding for each waiver in force that suppressed nothing on *resources*."""
        for waiver in self.waivers:
            if waiver.location in self.used or not waiver.in_force(self.today):
                continue
            here = any(waiver.in_stack(resource) for resource in resources)
            if here and not waiver.optional:
                got = f"no finding of `{waiver.rule}` on `{waiver.resource}`"
                yield _finding(USED, waiver.location, got, "a pattern that matches a finding")


def _finding(rule: Described, path: str, got: str, allowed: str) -> Finding:
    return Finding(path, got, allowed, rule.remedy, rule=rule.id, level=rule.level)


def load(file: Path | None = None, today: date | None = None) -> Waivers:
    """The waivers of *file* on the day *today*; by default the file that applies here, today.

    Raises OSError if the file cannot be read, WaiversError if it is not a list of waivers. Errors
    within a waiver become findings.
    """
    source = file or Path(os.environ.get(FILE) or _OWN)
    try:
        content: Any = yaml.load(source.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - safe
    except yaml.YAMLError as error:
        got = " ".join(str(error).split())
        problem = Problem(source.name, got, "valid YAML", "fix the syntax of the file")
        raise WaiversError(problem) from None
    listed = content.get("waivers") if isinstance(content, Mapping) else None
    if not isinstance(listed, list):
        raise WaiversError(
            Problem(
                path=f"{source.name}: waivers",
                got="missing" if listed is None else f"a {type(listed).__name__}",
                allowed="a list of waivers, which may be empty",
                change="add `waivers: []`, or list the waivers as docs/reference/policies.md shows",
            )
        )
    project = str(content.get("project") or "")
    read = [_waiver(raw, f"{source.name}[{i}]", project) for i, raw in enumerate(listed)]
    return Waivers(read, today or datetime.now(UTC).date())


def _waiver(raw: object, location: str, project: str) -> Waiver:
    given: dict[str, Any] = dict(raw) if isinstance(raw, Mapping) else {}
    mistakes = [(key, "an unknown field", ", ".join(sorted(_ALLOWED))) for key in given]
    mistakes = [mistake for mistake in mistakes if mistake[0] not in _ALLOWED]

    def text(key: str, default: str = "") -> str:
        value = given.get(key, default)
        return value.strip() if isinstance(value, str) else ""

    mistakes += [
        (key, "missing or empty", "a sentence" if key == "reason" else "a string")
        for key in ("rule", "resource", "reason", "owner")
        if not text(key)
    ]
    expires = given.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        got = "missing" if expires is None else f"`{expires}`"
        mistakes.append(("expires", got, "a date (YYYY-MM-DD)"))
        expires = None
    subjects = given.get("subjects", ["*"])
    if not isinstance(subjects, list) or not subjects:
        got = "an empty list" if subjects == [] else "not a list"
        mistakes.append(("subjects", got, "a list of patterns"))
        subjects = []
    optional = given.get("optional", False)
    if not isinstance(optional, bool):
        mistakes.append(("optional", f"`{optional}`", "true or false"))
    return Waiver(
        location=location,
        rule=text("rule"),
        resource=text("resource"),
        reason=text("reason"),
        owner=text("owner"),
        expires=expires,
        subjects=tuple(str(subject) for subject in subjects),
        stack=text("stack", "*"),
        project=project,
        optional=optional is True,
        mistakes=tuple(mistakes),
    )
