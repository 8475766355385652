"""What can go wrong between here and a forge."""

from base.problems import ProblemError


class ForgeError(ProblemError):
    """The forge refused, or did not answer; its text has all four parts and never the token."""


class GoneError(Exception):
    """What was to be changed is not there (any more)."""


class UncertainError(Exception):
    """A creation that may have happened or not: the connection broke, or the forge failed."""
