"""Errors of the simulated clusters."""

from base.problems import ProblemError


class SimError(ProblemError):
    """A simulated cluster cannot be started, or did not become usable."""
