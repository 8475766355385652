"""The images of a stack: those that it deploys, and those of its operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.images import ImageSpec, image, images


@dataclass(frozen=True)
class UsedImage:
    """An image of the catalog, and the components that use it."""

    spec: ImageSpec
    used_by: Sequence[str] = field(default=())


def used_images(stack: str) -> tuple[str, list[UsedImage]]:
    """The mirror that *stack* pulls from, and its images. Raises ProblemError.

    Without a stack: every image of the catalog.
    """
    if not stack:
        return "", [UsedImage(spec) for spec in images().values()]
    # They take seconds to import, and only this needs them.
    from cli.rendering import rendered
    from cli.stack_file import read_stack
    from review.images import deployed_images

    config = read_stack(stack)
    prefix = config.platform.registry_prefix
    users = deployed_images(rendered(stack))
    deployed = [
        UsedImage(spec, used) for spec in images().values() if (used := _users(spec, prefix, users))
    ]
    operators = [
        UsedImage(spec, (f"operator {spec.operator}",))
        for spec in images().values()
        if spec.operator in config.cluster.operators
    ]
    return prefix, [*deployed, *operators]


def _users(spec: ImageSpec, prefix: str, users: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return users.get(image(spec.key, prefix), ())
