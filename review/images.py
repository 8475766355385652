"""The images that a stack deploys, and who uses them."""

from review.changes import changes
from review.events import Step
from review.render import Render
from review.versions import images_of


def deployed_images(render: Render) -> dict[str, list[str]]:
    """The components that use each image, by its reference."""
    steps = [Step(op="create", urn=r.urn, type=r.type, new=r) for r in render.resources]
    found: dict[str, set[str]] = {}
    for change in changes(steps):
        if change.type.startswith("kubernetes:"):
            for reference in images_of(change.kind, change.after):
                found.setdefault(reference, set()).add(change.component)
    return {reference: sorted(users) for reference, users in sorted(found.items())}
