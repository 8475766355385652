"""Errors of the toolchain."""

from base.problems import ProblemError


class ToolchainError(ProblemError):
    """A program is missing, cannot be built, or failed."""
