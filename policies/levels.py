"""What a finding does in which stack."""

from policies.rules.model import Level

ADVISORY_STACKS = frozenset({"local"})
"""Stacks on somebody's own machine. All others, the unknown ones too, enforce."""


def stack_of(urn: str) -> str | None:
    """The stack that a URN belongs to: `urn:pulumi:STACK::PROJECT::TYPES::NAME`."""
    head, separator, _ = urn.partition("::")
    prefix, _, stack = head.rpartition(":")
    return stack if separator and prefix == "urn:pulumi" else None


def project_of(urn: str) -> str | None:
    """The project that a URN belongs to."""
    parts = urn.split("::")
    return parts[1] if stack_of(urn) and len(parts) > 1 else None


def level(of_rule: Level, urn: str) -> Level:
    """The level of a rule's findings in the stack that *urn* belongs to."""
    return Level.ADVISORY if stack_of(urn) in ADVISORY_STACKS else of_rule
