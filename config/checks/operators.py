"""Checks that the operators a stack relies on are installed on the cluster."""

from collections.abc import Iterator

from base.problems import Problem
from config.settings.cluster import Operator
from config.stack import StackConfig


def missing_operator(
    config: StackConfig, operator: Operator, path: str, because: str = ""
) -> Iterator[Problem]:
    """The problem at *path* if *operator* is not installed; *because* is the reason to need it."""
    if operator not in config.cluster.operators:
        yield Problem(
            path,
            f"needs {operator}, since {because}" if because else f"needs {operator}",
            f"cluster.operators with {operator}",
            f"Install it on the cluster and add {operator} to cluster.operators.",
        )
