"""Token architectures of the catalog and of config.json files."""

from catalog.architecture import Architecture
from catalog.models import ModelSpec


def architecture(spec: ModelSpec) -> Architecture:
    """The architecture of *spec*, which must be a token model."""
    assert spec.architecture is not None
    return spec.architecture
