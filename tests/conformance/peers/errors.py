"""What goes wrong with a real program, said so that the reader knows what to do."""

from pathlib import Path


class PeerUnavailableError(Exception):
    """A real program could not be had: the tests that need it fail, they do not skip."""

    def __init__(self, program: str, tried: str, said: str, change: str) -> None:
        super().__init__(
            f"{program} is not available.\n"
            f"  tried:   {tried}\n"
            f"  answer:  {said.strip() or 'nothing'}\n"
            f"  allowed: the ordinary package clients, as this machine has them set up\n"
            f"  change:  {change}"
        )


class PeerFailedError(Exception):
    """A real program did not start, or stopped, on the configuration it was given."""

    def __init__(self, program: str, what: str, log: Path, lines: int = 40) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
        super().__init__(f"{program} {what}. The end of its log:\n{tail}")


class RefusedError(Exception):
    """A real program, or its source, refuses a configuration; the message is what it said."""
