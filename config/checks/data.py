"""Checks that the data survives what the number of its servers promises."""

from collections.abc import Iterator

from base.problems import Problem
from config.stack import StackConfig

_SURVIVES = 3
"""Members from which Qdrant outlives the loss of one: a majority of the Raft group remains."""


def replication_problems(config: StackConfig) -> Iterator[Problem]:
    """Collections with fewer copies than `qdrant.nodes` promises, or more than there are members.

    Those that clients create themselves follow the default of the server, which is right by
    construction (`QdrantSettings.replication_factor`).
    """
    nodes = config.qdrant.nodes
    for name, collection in config.qdrant.collections.items():
        factor = collection.replication_factor
        if factor is None:
            continue
        path = f"qdrant.collections.{name}.replication_factor"
        if factor > nodes:
            yield Problem(
                path,
                str(factor),
                f"at most {nodes}, the members that there are (qdrant.nodes)",
                f"Set it to {nodes}, or leave it out.",
            )
        elif factor == 1 and nodes >= _SURVIVES:
            yield Problem(
                path,
                "1",
                f"at least 2: a cluster of {nodes} survives the loss of one member, and so must"
                " its collections",
                "Set it to 2, or leave it out.",
            )
