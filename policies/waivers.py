"""Waivers: which finding is let through, why, who answers for it, until when. Data, not code.

The pack's own file is `waivers.yaml` beside this module, for this project alone; other programs
name theirs in `PRIVATE_AI_POLICY_WAIVERS`. PyYAML, which reads it, comes with the Pulumi SDK.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from policies.levels import project_of, stack_of
from policies.rules.model import Described, Finding, Level, Resource, Severity

FILE = "PRIVATE_AI_POLICY_WAIVERS"
"""Environment variable: the file of waivers to use instead of the pack's own."""
_OWN = Path(__file__).parent / "waivers.yaml"
_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml, as its wheels are."""
_REQUIRED = ("rule", "resource", "reason", "owner", "expires")
_ALLOWED = frozenset({*_REQUIRED, "subjects", "stack", "optional"})

SOUND = Described(
    "waiver-sound",
    "A waiver names a rule that there is, a resource, a reason, an owner and a day it ends.",
    "A waiver that nobody answers for, or that outlives its reason, is a hole.",
    "complete the waiver, renew it after a review, or fix what it lets through and remove it",
    frozenset(),
    Severity.HIGH,
    rows=(75,),
)
USED = Described(
    "waiver-used",
    "A waiver lets something through.",
    "One that matches nothing hides the next finding that happens to match it.",
    "remove the waiver, or correct its pattern",
    frozenset(),
    Severity.LOW,
    rows=(75,),
    level=Level.ADVISORY,
)
RULES = (SOUND, USED)
"""Rules about the waivers themselves; they cannot be waived."""


@dataclass(frozen=True)
class Waiver:
    """Leave for some findings of one rule."""

    at: str
    """Where it is written: file and position, for messages."""
    rule: str
    resource: str
    """Pattern of `Resource.id`."""
    reason: str
    owner: str
    expires: date | None
    """The last day on which it holds."""
    subjects: tuple[str, ...] = ("*",)
    """Patterns of `Finding.subject`."""
    stack: str = "*"
    """Pattern of the stack's name; plain manifests have none, which only `*` matches."""
    project: str = ""
    """The Pulumi project that the whole file is for; empty: any. Plain manifests are of any."""
    optional: bool = False
    """Whether what it is for need not be in every stack."""
    mistakes: tuple[tuple[str, str, str], ...] = ()
    """What is wrong with its text: field, what was found, what is allowed."""

    def names(self, resource: Resource) -> bool:
        """Whether it is about *resource*."""
        return self.in_stack(resource) and fnmatchcase(resource.id, self.resource)

    def in_stack(self, resource: Resource) -> bool:
        """Whether *resource* is in a stack that it is about."""
        project = project_of(resource.urn)
        mine = not self.project or project in (None, self.project)
        return mine and fnmatchcase(stack_of(resource.urn) or "", self.stack)

    def covers(self, finding: Finding) -> bool:
        """Whether it is about *finding*, never mind the day."""
        return (
            finding.rule == self.rule
            and finding.resource is not None
            and any(fnmatchcase(finding.subject, pattern) for pattern in self.subjects)
            and self.names(finding.resource)
        )


@dataclass
class Waivers:
    """The waivers as they stand on one day, and which of them were needed so far."""

    waivers: Sequence[Waiver]
    today: date
    used: set[str] = field(default_factory=set[str])
    """`Waiver.at` of each that let something through."""

    @classmethod
    def none(cls) -> "Waivers":
        """Nothing is let through."""
        return cls([], datetime.now(UTC).date())

    def let_through(self, finding: Finding) -> bool:
        """Whether *finding* is waived today."""
        for waiver in self.waivers:
            if self._holds(waiver) and waiver.covers(finding):
                self.used.add(waiver.at)
                return True
        return False

    def unsound(self, rules: Collection[str]) -> Iterator[Finding]:
        """A finding for each field that makes a waiver void; *rules* are the ids there are."""
        for waiver in self.waivers:
            mistakes = list(waiver.mistakes)
            if waiver.rule and waiver.rule not in rules:
                mistakes.append(("rule", f"`{waiver.rule}`", "the id of a rule (docs/policies.md)"))
            if waiver.expires and waiver.expires < self.today:
                mistakes.append(("expires", str(waiver.expires), f"{self.today} or later"))
            for name, got, allowed in mistakes:
                yield _finding(SOUND, f"{waiver.at}.{name}", got, allowed)

    def idle(self, resources: Sequence[Resource]) -> Iterator[Finding]:
        """A finding for each sound waiver that let nothing through on *resources*."""
        for waiver in self.waivers:
            if waiver.at in self.used or not self._holds(waiver):
                continue
            here = any(waiver.in_stack(resource) for resource in resources)
            if here and not waiver.optional:
                got = f"nothing that `{waiver.rule}` finds in `{waiver.resource}`"
                yield _finding(USED, waiver.at, got, "a finding to let through")

    def _holds(self, waiver: Waiver) -> bool:
        sound = not waiver.mistakes and waiver.expires is not None
        return sound and waiver.expires is not None and waiver.expires >= self.today


def _finding(rule: Described, path: str, got: str, allowed: str) -> Finding:
    return Finding(path, got, allowed, rule.remedy, rule=rule.id, level=rule.level)


def load(file: Path | None = None, today: date | None = None) -> Waivers:
    """The waivers of *file*, by default the one that applies here, as they stand *today*.

    Raises OSError where a file that is named cannot be read, ValueError if it is no list of
    waivers; what is wrong within a waiver becomes a finding.
    """
    source = file or Path(os.environ.get(FILE) or _OWN)
    try:
        content: Any = yaml.load(source.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - safe
    except yaml.YAMLError as error:
        message = f"{source.name} is no YAML: {error}"
        raise ValueError(message) from None
    listed = content.get("waivers") if isinstance(content, Mapping) else None
    if not isinstance(listed, list):
        message = f"{source.name}: got no list under `waivers`; allowed: a list, even an empty one"
        raise ValueError(message)  # noqa: TRY004 - the file's content, not a caller's mistake
    project = str(content.get("project") or "")
    read = [_waiver(raw, f"{source.name}[{i}]", project) for i, raw in enumerate(listed)]
    return Waivers(read, today or datetime.now(UTC).date())


def _waiver(raw: object, at: str, project: str) -> Waiver:
    given: dict[str, Any] = dict(raw) if isinstance(raw, Mapping) else {}
    mistakes = [(str(key), "an unknown field", ", ".join(sorted(_ALLOWED))) for key in given]
    mistakes = [mistake for mistake in mistakes if mistake[0] not in _ALLOWED]

    def text(key: str, default: str = "") -> str:
        value = given.get(key, default)
        return value.strip() if isinstance(value, str) else ""

    mistakes += [
        (key, "nothing", "a sentence" if key == "reason" else "a text")
        for key in ("rule", "resource", "reason", "owner")
        if not text(key)
    ]
    expires = given.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        mistakes.append(("expires", "no date", "a day, as 2027-01-31"))
        expires = None
    subjects = given.get("subjects", ["*"])
    if not isinstance(subjects, list) or not subjects:
        mistakes.append(("subjects", "no list", "a list of patterns"))
        subjects = []
    optional = given.get("optional", False)
    if not isinstance(optional, bool):
        mistakes.append(("optional", "no boolean", "true or false"))
    return Waiver(
        at=at,
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
