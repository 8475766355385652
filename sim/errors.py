"""What went wrong in the simulated cluster."""

from base.problems import ProblemError


class SimError(ProblemError):
    """A simulated cluster cannot be started, or did not become usable."""
