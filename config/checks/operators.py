"""What must run on the cluster before the stack comes: the operators that its parts count on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from base.problems import Problem

if TYPE_CHECKING:
    from config.settings.cluster import Operator
    from config.stack import StackConfig


def missing_operator(
    config: "StackConfig", operator: "Operator", path: str, because: str = ""
) -> Iterator[Problem]:
    """The problem at *path* where *operator* is not on the cluster; *because* of what, if told."""
    if operator not in config.cluster.operators:
        yield Problem(
            path,
            f"needs {operator}, since {because}" if because else f"needs {operator}",
            f"cluster.operators with {operator} among them",
            f"Install it on the cluster and add {operator} to cluster.operators.",
        )
