"""Labels and annotations.

https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
"""

from collections.abc import Mapping

Labels = Mapping[str, str]

DOMAIN = "private-ai.dev"
"""Domain of the stack's own labels and annotations."""

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
PART_OF = "app.kubernetes.io/part-of"
TIER = f"{DOMAIN}/tier"
STACK = f"{DOMAIN}/stack"
"""Of namespaces: the stack that created them, and that may delete them."""

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For Services: the provider waits 10 s "to settle" for each; the workload is awaited anyway."""


def selector(kind: str, name: str) -> dict[str, str]:
    """Selector of the pods of component *name*, of the software *kind*; never changes."""
    return {NAME: kind, INSTANCE: name}


def labels(kind: str, name: str) -> dict[str, str]:
    """Labels of every object of a component; a superset of its `selector`."""
    return {**selector(kind, name), PART_OF: "private-ai"}
