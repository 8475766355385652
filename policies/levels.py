"""The effect of a finding, by stack."""

from policies.rules.model import Level

ADVISORY_STACKS = frozenset({"local"})
"""Stacks on a developer's machine. All other stacks, unknown ones included, enforce."""


def stack_of(urn: str) -> str | None:
    """The stack of a URN, `urn:pulumi:STACK::PROJECT::TYPES::NAME`; None if it has none."""
    head, separator, _ = urn.partition("::")
    prefix, _, stack = head.rpartition(":")
    return stack if separator and prefix == "urn:pulumi" else None


def project_of(urn: str) -> str | None:
    """The project of a URN; None if it has none."""
    parts = urn.split("::")
    return parts[1] if stack_of(urn) and len(parts) > 1 else None


def advised(stack: str) -> bool:
    """Whether *stack* is only advised, whatever the level of the rule."""
    return stack in ADVISORY_STACKS


def level(of_rule: Level, urn: str) -> Level:
    """The level of a finding in the stack of *urn*, given the level of its rule."""
    return Level.ADVISORY if advised(stack_of(urn) or "") else of_rule
