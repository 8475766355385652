"""Errors about weights, each fault in the four parts of the project's errors.

Not `base.problems`: pods have nothing but this package. The command line prints a fault as a
`Problem`; a pod prints it on one line, since Kubernetes shows the last 2048 bytes of a log only.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong with one file, or with the source. Never holds a secret."""

    path: str
    """The file, or the repository and commit."""
    got: str
    allowed: str
    change: str

    def __str__(self) -> str:
        """All of it on one line."""
        return f"{self.path}: got {self.got}; allowed: {self.allowed}; change: {self.change}"


class WeightsError(Exception):
    """A failure that another attempt would repeat; its text has a line for each fault."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class TransientError(WeightsError):
    """A failure that another attempt may not meet, such as a connection that was closed."""
