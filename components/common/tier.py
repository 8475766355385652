"""A tier of the platform: where a component lives, and what it may take for granted there."""

from collections.abc import Callable
from dataclasses import dataclass

from pulumi import Output

from components.common.network import Firewall
from components.common.pki import Authority


@dataclass(frozen=True)
class Tier:
    """One namespace with its guarantees, as the Platform hands it to the components inside."""

    namespace: Output[str]
    """Exists, refuses all traffic but DNS, holds pods to a Pod Security Standard."""
    priority_class: Output[str]
    """Of every pod in it."""
    authority: Authority
    """Who issues its certificates."""
    image: Callable[[str], str]
    """A key of `catalog/images.yaml` to a reference that goes through the stack's registry."""
    storage_class: str
    """For volumes that one pod mounts."""
    firewall: Firewall
    """Opens connections to and from its pods; one for all tiers."""
    disposable: bool
    """Whether `destroy` may delete its data; otherwise that is protected and retained."""
