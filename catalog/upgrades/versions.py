"""Versions in the tags of images, and the size of the step between two."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from catalog.upgrades.table import Size

Version = tuple[int, ...]

_NUMBERS = re.compile(r"(?:v|RELEASE\.)?(\d+(?:[.:T-]\d+)*)")
_SIZES: tuple[Size, ...] = ("never", "patch", "minor", "major")


def images(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every image that a manifest names: of containers, of a Cluster, of a Tenant."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("image", "imageName") and isinstance(value, str):
                yield value
            else:
                yield from images(value)
    elif isinstance(node, list):
        for item in node:
            yield from images(item)


def split(reference: str) -> tuple[str, str]:
    """Repository and tag; the tag is empty where there is none."""
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return (name, "") if not colon or "/" in tag else (head, tag)


def version(tag: str) -> Version | None:
    """The numbers at the start of *tag*: `v1.19.0-unprivileged` is 1, 19, 0. None without any."""
    found = _NUMBERS.match(tag)
    return tuple(int(number) for number in re.findall(r"\d+", found[1])) if found else None


def size(old: Version, new: Version) -> Literal["patch", "minor", "major"]:
    """The first number that differs: of three the last is the patch, of two the minor version."""
    place = next(
        (index for index, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    return "major" if place == 0 else "minor" if place == 1 else "patch"


def within(step: Size, limit: Size) -> bool:
    """Whether *step* is no longer than *limit*."""
    return _SIZES.index(step) <= _SIZES.index(limit)
