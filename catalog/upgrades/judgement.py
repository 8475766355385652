"""What is said about a change that will not happen as asked."""

from dataclasses import dataclass
from typing import Literal

from base.problems import Problem

Effect = Literal["refused", "steps"]


@dataclass(frozen=True)
class Judgement:
    """One change of one object."""

    problem: Problem
    effect: Effect
    """`refused`: it cannot be made like this, or data would be at stake. `steps`: it is made, and
    the steps are needed too."""
    steps: tuple[str, ...]
    """What works, in this order; commands in backticks."""
    source: str
    """File and line, or page, that says so."""
    data: bool = False
    """Whether it is refused for the sake of data alone, which disposable stacks do not keep."""

    def __str__(self) -> str:
        """The four parts, then the steps."""
        listed = "\n".join(f"    {number}. {step}" for number, step in enumerate(self.steps, 1))
        return f"{self.problem}\n    steps:\n{listed}"


@dataclass(frozen=True)
class Subject:
    """The object that changes."""

    kind: str
    """As in the tables."""
    name: str
    namespace: str

    @property
    def label(self) -> str:
        """`StatefulSet qdrant`."""
        return f"{self.kind.partition('.')[0]} {self.name}"

    @property
    def kubectl(self) -> str:
        """`-n data statefulset qdrant`, for a command."""
        flag = f"-n {self.namespace} " if self.namespace else ""
        return f"{flag}{self.kind.partition('.')[0].lower()} {self.name}"
