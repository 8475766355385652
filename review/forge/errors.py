"""Errors of forge requests."""

from base.problems import ProblemError


class ForgeError(ProblemError):
    """The forge rejected a request or did not respond; the text never contains the token."""


class GoneError(Exception):
    """The object to change does not exist (any more)."""


class UncertainError(Exception):
    """A creation with unknown outcome: the connection broke, or the forge failed."""
