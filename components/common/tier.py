"""A tier of the platform: the namespace of a component, and what it provides."""

from collections.abc import Callable
from dataclasses import dataclass

from pulumi import Output

from components.common.network import Firewall
from components.common.pki import Authority
from config.settings.platform import TierName


@dataclass(frozen=True)
class Tier:
    """One namespace with its guarantees, as the Platform hands it to the components in it."""

    name: TierName
    namespace: Output[str]
    """Name, known once it denies all traffic but DNS and enforces a Pod Security Standard."""
    priority_class: Output[str]
    """PriorityClass of every pod in it."""
    authority: Authority
    """Issuer of its certificates."""
    image: Callable[[str], str]
    """Maps a key of `catalog/images.yaml` to a reference in the stack's registry."""
    storage_class: str
    """StorageClass of volumes that one pod mounts."""
    firewall: Firewall
    """Opens connections to and from its pods; one for all tiers."""
    disposable: bool
    """`destroy` may delete its data; otherwise data is protected and retained."""
