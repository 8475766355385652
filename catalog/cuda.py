"""The NVIDIA driver that an image's CUDA needs, and the image that suits a driver."""

from typing import Final

from catalog.images import ImageSpec, images

MINIMUM_DRIVER: Final = {11: 450, 12: 525, 13: 580}
"""Oldest branch of NVIDIA's driver by major version of CUDA, for any minor version: table 1 of
https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"""


def minimum_driver(cuda: str) -> int:
    """The oldest driver branch that runs programs built with *cuda*, such as `12.9`.

    Raises KeyError for a major version that the table does not have yet.
    """
    return MINIMUM_DRIVER[int(cuda.partition(".")[0])]


def needed_driver(spec: ImageSpec) -> int:
    """The oldest driver branch that the image runs with; 0 for one without CUDA.

    NVIDIA's own images contain a compatibility package for older drivers of data centre cards. It
    is not relied on: the drivers it supports change with every release.
    """
    if not spec.cuda:
        return 0
    return max(minimum_driver(spec.cuda), spec.min_driver or 0)


def image_for(key: str, driver: int) -> str | None:
    """The key of the image *key*, or of a build of it for older drivers, that suits *driver*.

    None where none suits, or there is no such image.
    """
    return next((b.key for b in _builds(key) if needed_driver(b) <= driver), None)


def least_demanding(key: str) -> ImageSpec | None:
    """The build of the image *key* that runs with the oldest driver.

    None where there is no such image.
    """
    return min(_builds(key), key=needed_driver, default=None)


def _builds(key: str) -> list[ImageSpec]:
    """The image *key* first; builds for older drivers have keys `<key>-cu…` in images.yaml."""
    known = images()
    older = [other for other in sorted(known) if other.startswith(f"{key}-cu")]
    return [known[name] for name in (key, *older)] if key in known else []
