"""Errors in four parts: the field, the value got, the values allowed, the change to make.

Standard library only: the policy rules and the programs inside the cluster may import it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Problem:
    """One problem in four parts. Never holds a secret."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}

    path: str
    """The field, such as `models.chat.pool`, or the command or file that failed."""
    got: str
    """The value, or the event."""
    allowed: str
    """The values allowed, or the event expected."""
    change: str
    """The change that solves it."""

    def __str__(self) -> str:
        """The four parts, one per line."""
        return (
            f"{self.path}\n"
            f"    got:      {self.got}\n"
            f"    allowed:  {self.allowed}\n"
            f"    change:   {self.change}"
        )


class ProblemError(Exception):
    """Problems that a person can fix; the text holds all of them, in four parts each."""

    problems: tuple[Problem, ...]

    def __init__(self, *problems: Problem, head: str = "", foot: str = "") -> None:
        self.problems = problems
        alone = len(problems) == 1 and not head
        body = [p if alone else f"{number}. {p}" for number, p in enumerate(problems, 1)]
        super().__init__("\n\n".join(str(part) for part in (head, *body, foot) if part))


class ConfigError(ProblemError):
    """The configuration of a stack cannot be used."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(
            *problems,
            head=f"Pulumi.{stack}.yaml: {count} {'problem' if count == 1 else 'problems'}",
            foot="Nothing was created or changed. Every key: docs/reference/configuration.md",
        )
