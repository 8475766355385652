"""What went wrong with the toolchain, said to a person."""


class EngineError(Exception):
    """A failure that the person at the terminal can act on; its text has all four parts."""

    def __init__(self, *, where: str, got: str, allowed: str, remedy: str) -> None:
        """Say *where* it is, what was *got* there, what is *allowed*, and the *remedy*."""
        super().__init__(f"{where}: got {got}; expected {allowed}. To mend it: {remedy}.")
