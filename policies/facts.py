"""What is declared of a cluster, and known of images, that no manifest shows.

Declarations are not exceptions: they are settings (`cluster.storage_classes` of a stack) and data
of the catalog, not waivers.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from base.yaml_text import YamlTextError, read_mapping
from policies.rules.model import Facts

SETTINGS = "private-ai:stack"
"""Key of a stack's settings in its configuration."""
_IMAGES = Path(__file__).parent.parent / "catalog" / "images.yaml"
"""Is not there where the pack is used without the rest of this repository."""


def of_settings(settings: object = None) -> Facts:
    """Facts of a stack with *settings*; without, those about images alone."""
    return Facts(frozenset(_encrypted(settings)), _image_users())


def of_config(config: Mapping[str, str]) -> Facts:
    """Facts of a stack with the *config* that the engine passes: objects as JSON."""
    try:
        return of_settings(json.loads(config.get(SETTINGS, "null")))
    except ValueError:
        return of_settings()


def of_file(file: Path) -> Facts:
    """Facts of the stack whose configuration is *file*; those about images if it has none.

    The program itself reports what is wrong with the file.
    """
    try:
        config = read_mapping(file).get("config")
    except YamlTextError:
        return of_settings()
    return of_settings(config.get(SETTINGS) if isinstance(config, Mapping) else None)


def _encrypted(settings: object) -> Iterator[str]:
    cluster = settings.get("cluster") if isinstance(settings, Mapping) else None
    classes = cluster.get("storage_classes") if isinstance(cluster, Mapping) else None
    for entry in classes if isinstance(classes, list) else []:
        if isinstance(entry, Mapping) and entry.get("encrypted_by"):
            name = entry.get("name")
            if isinstance(name, str):
                yield name


@cache
def _image_users() -> Mapping[str, int]:
    try:
        entries = yaml.safe_load(_IMAGES.read_text(encoding="utf-8"))
    except OSError:
        return {}
    return {
        entry["repository"].partition("/")[2]: entry["user"]
        for entry in entries.values()
        if "user" in entry
    }
