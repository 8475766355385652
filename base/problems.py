"""What is wrong with a configuration, in four parts, all of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the configuration."""

    path: str
    """Where, such as `models.chat.pool`."""
    got: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        """The four parts, one a line."""
        return (
            f"{self.path}\n"
            f"    got:      {self.got}\n"
            f"    allowed:  {self.allowed}\n"
            f"    change:   {self.remedy}"
        )


class ConfigError(Exception):
    """The configuration of a stack cannot be used; its text is for the person who wrote it."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(problems)
        head = f"Pulumi.{stack}.yaml: {count} {'problem' if count == 1 else 'problems'}"
        body = [f"{number}. {problem}" for number, problem in enumerate(problems, 1)]
        foot = "Nothing was created or changed. Every key: docs/reference/configuration.md"
        super().__init__("\n\n".join([head, *body, foot]))
