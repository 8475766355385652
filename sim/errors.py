"""What went wrong in the simulation, said to a person."""

from collections.abc import Iterable
from typing import Self


class SimError(Exception):
    """A failure that the person at the terminal can act on; its text has all four parts."""

    def __init__(self, *, where: str, got: str, allowed: str, remedy: str) -> None:
        """Say *where* it is, what was *got* there, what is *allowed*, and the *remedy*."""
        super().__init__(f"{where}: got {got}; expected {allowed}. To mend it: {remedy}.")

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Several of them as one, a line each."""
        error = cls.__new__(cls)
        Exception.__init__(error, "\n".join(texts))
        return error
