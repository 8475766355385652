"""Waivers: which findings are accepted, why, by whom and until when. Data, not code.

The pack's own file is `waivers.yaml` next to this module and applies to this project only; other
programs set `PRIVATE_AI_POLICY_WAIVERS` to theirs. A stack has its own in `waivers.STACK.yaml`,
beside its `Pulumi.STACK.yaml`.

A waiver with `gap: true` accepts nothing: it says what is still missing. Its findings are reported
together, as one advisory finding.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from base.problems import Problem, ProblemError
from base.yaml_text import YamlTextError, read_mapping
from policies.levels import project_of, stack_of
from policies.rules.model import Described, Finding, Level, Resource, Severity

FILE = "PRIVATE_AI_POLICY_WAIVERS"
"""Environment variable: path of a waiver file to use instead of the pack's own."""
_OWN = Path(__file__).parent / "waivers.yaml"
_REQUIRED = ("rule", "resource", "reason", "owner", "expires")
_ALLOWED = frozenset({*_REQUIRED, "subjects", "stack", "optional", "gap"})
_NAMED = 3
"""Objects that a finding about a gap names."""

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
    gap: bool = False
    """Whether its findings stay visible, as one advisory finding."""
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
    used: Counter[str] = field(default_factory=Counter[str])
    """How many findings each waiver suppressed, by `Waiver.location`."""
    open: dict[str, dict[tuple[str, str], Finding]] = field(
        default_factory=dict[str, dict[tuple[str, str], Finding]]
    )
    """Findings of each gap, by `Waiver.location`, then by object and path."""

    @classmethod
    def none(cls) -> "Waivers":
        """An empty list, which suppresses nothing."""
        return cls([], datetime.now(UTC).date())

    def suppresses(self, finding: Finding) -> bool:
        """Whether a waiver in force applies to *finding*."""
        for waiver in self.waivers:
            if waiver.in_force(self.today) and waiver.applies_to(finding):
                self.used[waiver.location] += 1
                if waiver.gap:
                    at = finding.resource.id if finding.resource else "", finding.path
                    self.open.setdefault(waiver.location, {})[at] = finding
                return True
        return False

    def mention(self, rule: str, subject: str, stack: str) -> bool:
        """Whether a waiver in force is about *subject* of *rule*, on whatever object of *stack*."""
        return any(
            waiver.rule == rule
            and waiver.in_force(self.today)
            and fnmatchcase(stack, waiver.stack)
            and any(fnmatchcase(subject, pattern) for pattern in waiver.subjects)
            for waiver in self.waivers
        )

    def gaps(self) -> Iterator[Finding]:
        """An advisory finding for each gap, with the number of findings that it stands for."""
        for waiver in self.waivers:
            # In an order of its own: the engine passes objects in any.
            found = [finding for _, finding in sorted(self.open.get(waiver.location, {}).items())]
            if not found:
                continue
            objects = dict.fromkeys(f.resource.id for f in found if f.resource)
            named = ", ".join([*objects][:_NAMED])
            more = len(objects) - _NAMED
            yield Finding(
                path=named + (f" and {more} more objects" if more > 0 else ""),
                got=f"{_either(f.got for f in found)} ({_times(len(found))})",
                allowed=_either(f.allowed for f in found),
                change=f"{waiver.reason} (known gap; {waiver.owner}, until {waiver.expires})",
                rule=waiver.rule,
                level=Level.ADVISORY,
            )

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
                path = f"{waiver.location}.{name}" if name else waiver.location
                yield _finding(VALID, path, got, allowed)

    def unused(self, resources: Sequence[Resource]) -> Iterator[Finding]:
        """A finding for each waiver in force that suppressed nothing on *resources*."""
        for waiver in self.waivers:
            if waiver.location in self.used or not waiver.in_force(self.today):
                continue
            here = any(waiver.in_stack(resource) for resource in resources)
            if here and not waiver.optional:
                got = f"no finding of `{waiver.rule}` on `{waiver.resource}`"
                yield _finding(USED, waiver.location, got, "a pattern that matches a finding")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _either(texts: Iterable[str]) -> str:
    """*texts*, each once; a few of them if there are many."""
    first, *others = sorted(set(texts))
    shown = [first, *others[: _NAMED - 1]]
    return " or ".join(shown) + (" or others" if len(others) >= _NAMED else "")


def _finding(rule: Described, path: str, got: str, allowed: str) -> Finding:
    return Finding(path, got, allowed, rule.remedy, rule=rule.id, level=rule.level)


def load(file: Path | None = None, today: date | None = None) -> Waivers:
    """The waivers of *file* on the day *today*; by default the file that applies here, today.

    Raises OSError if the file cannot be read, WaiversError if it is not a list of waivers. Errors
    within a waiver become findings.
    """
    read = _read(file or Path(os.environ.get(FILE) or _OWN))
    return Waivers(read, today or datetime.now(UTC).date())


def stack_file(folder: Path, stack: str) -> Path:
    """The file with the waivers of *stack*, whose program is in *folder*."""
    return folder / f"waivers.{stack}.yaml"


def with_stack(waivers: Waivers, folder: Path, stack: str) -> Waivers:
    """*waivers*, and those of *stack* beside its configuration in *folder*, if it has any.

    A file that cannot be used becomes a finding, as errors within a waiver do.
    """
    file = stack_file(folder, stack)
    # A name with a slash is none that Pulumi takes, and would lead to another folder.
    if not stack or file.parent != folder or not file.is_file():
        return waivers
    try:
        own = [replace(waiver, stack=stack) for waiver in _read(file)]
    except WaiversError as error:
        own = [_unusable(problem) for problem in error.problems]
    return Waivers([*waivers.waivers, *own], waivers.today)


def _unusable(problem: Problem) -> Waiver:
    """What stands for a file that cannot be read: its problem becomes a finding."""
    mistakes = (("", problem.got, problem.allowed),)
    return Waiver(problem.path, "", "", "", "", None, mistakes=mistakes)


def _read(source: Path) -> list[Waiver]:
    try:
        content = read_mapping(source, "a list of waivers: `waivers: []`")
    except YamlTextError as error:
        raise WaiversError(error.problem) from None
    listed = content.get("waivers")
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
    return [_waiver(raw, f"{source.name}[{i}]", project) for i, raw in enumerate(listed)]


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
    for key in ("optional", "gap"):
        if not isinstance(given.get(key, False), bool):
            mistakes.append((key, f"`{given[key]}`", "true or false"))
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
        optional=given.get("optional") is True,
        gap=given.get("gap") is True,
        mistakes=tuple(mistakes),
    )
