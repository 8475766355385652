"""Which driver an image needs for the CUDA inside it, and which image suits a driver."""

from typing import Final

from catalog.images import ImageSpec, images

MINIMUM_DRIVER: Final = {11: 450, 12: 525, 13: 580}
"""Oldest branch of NVIDIA's driver by major version of CUDA, whatever the minor one: table 1 of
https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"""


def minimum_driver(cuda: str) -> int:
    """The oldest driver branch that runs programs built with *cuda*, such as `12.9`.

    Raises KeyError for a major version that the table does not have yet.
    """
    return MINIMUM_DRIVER[int(cuda.partition(".")[0])]


def suits(spec: ImageSpec, driver: int) -> bool:
    """Whether the image runs on nodes with the branch *driver*; one without CUDA always does."""
    return not spec.cuda or minimum_driver(spec.cuda) <= driver


def image_for(key: str, driver: int) -> str | None:
    """The key of the image *key*, or of a build of it for older drivers, that suits *driver*.

    The builds for older drivers are called `<key>-cu…` in catalog/images.yaml. None where none
    suits.
    """
    if key not in images():
        return None
    builds = [key, *(other for other in sorted(images()) if other.startswith(f"{key}-cu"))]
    return next((build for build in builds if suits(images()[build], driver)), None)
