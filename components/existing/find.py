"""All that the cluster has already and that the stack may not touch, at once."""

from collections.abc import Iterable

from base.problems import Problem
from components.existing.gpu_nodes import advertised_twice
from components.existing.named_objects import Named, clashes
from components.existing.namespaces import foreign_namespaces
from components.existing.reader import Reader
from config.stack import StackConfig


def find(cluster: Reader, config: StackConfig, stack: str, named: Iterable[Named]) -> list[Problem]:
    """The problems of deploying *config* as *stack*, whose objects have the names *named*.

    Raises UnreadableError.
    """
    return [
        *foreign_namespaces(cluster, config.platform, stack),
        *clashes(cluster, named, config.platform),
        *advertised_twice(cluster, config.pools, stack),
    ]
