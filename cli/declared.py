"""What a stack declares about its cluster, and what is left undeclared."""

from collections.abc import Iterator

from base.problems import ConfigError, Problem
from cli.stack_file import stack_file
from config.stack import StackConfig
from policies.levels import advised
from policies.stack import undeclared as undeclared_classes


def refuse_undeclared(config: StackConfig, stack: str) -> None:
    """Raise ConfigError for storage classes that are not declared, where a rule is mandatory."""
    problems = [] if advised(stack) else list(undeclared(config, stack))
    if problems:
        raise ConfigError(stack, problems)


def undeclared(config: StackConfig, stack: str) -> Iterator[Problem]:
    """The storage classes in use whose disks nobody declares encrypted, as the policies see it."""
    used = {config.platform.storage_class, config.platform.shared_storage_class}
    paths = {
        entry.name: f"cluster.storage_classes.{index}"
        for index, entry in enumerate(config.cluster.storage_classes)
        if entry.name in used
    }
    return undeclared_classes(stack, stack_file(stack).parent, paths)
