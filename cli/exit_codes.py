"""What a command exits with: one scheme for all of them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `pai`; docs/reference/commands.md says which command has which."""

    DONE = 0
    """The work is done, and there is nothing to object to."""
    FAILED = 1
    """The work could not be done, or what was checked has problems."""
    USAGE = 2
    """A wrong option, argument, stack or input file; nothing was started."""
    DIFFERS = 3
    """The work is done, and its answer is "no": changes, drift, does not fit."""
    REFUSED = 4
    """A policy refuses it."""
    INVALID = 5
    """The configuration of the stack is not valid."""
    NOT_REVIEWED = 6
    """The preview is not what was reviewed."""
    INTERRUPTED = 130
    """Ctrl-C; 143 after SIGTERM, 129 after a closed terminal."""
