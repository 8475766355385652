"""Token architectures of the catalog and of config.json files."""

import json
from typing import Any

from catalog.architecture import Architecture
from catalog.models import ModelSpec
from tests.paths import ROOT

CONFIGS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests" / "unit" / "catalog" / "configs").glob("*.json"))
}


def architecture(spec: ModelSpec) -> Architecture:
    """The architecture of *spec*, which must be a token model."""
    assert spec.architecture is not None
    return spec.architecture
