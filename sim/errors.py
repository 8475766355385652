"""What went wrong in the simulation, said to a person."""

from collections.abc import Iterable
from typing import Self

from toolchain.errors import EngineError


class SimError(EngineError):
    """A failure of the simulation that the person at the terminal can act on."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Several of them as one, a line each."""
        error = cls.__new__(cls)
        Exception.__init__(error, "\n".join(texts))
        return error
