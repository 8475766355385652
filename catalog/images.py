"""Container images: which version of each part, pinned by digest where one is known."""

from collections.abc import Mapping
from functools import cache

from pydantic import Field

from base.model import Model
from catalog.load import find, read_entries

IMAGES_FILE = "images.yaml"
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"


class ImageSpec(Model):
    """One image of the stack."""

    key: str
    """What components ask for."""
    repository: str = Field(pattern=r"^[a-z0-9.-]+\.[a-z]+(/[a-z0-9._-]+)+$")
    """Upstream registry host and path, like `docker.io/library/kong`."""
    tag: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
    digest: str = Field(default="", pattern=f"({DIGEST_PATTERN})|^$")
    """Digest of the multi-platform index behind the tag; empty where it could not be looked up.
    `pai images lock` fills it."""
    cuda: str = Field(default="", pattern=r"^(\d+\.\d+)?$")
    """Of an image that computes on NVIDIA's GPUs, the CUDA inside; see catalog.cuda."""
    min_driver: int | None = Field(default=None, gt=0)
    """Branch of NVIDIA's driver that its makers ask for, where that is more than its CUDA does."""
    sources: list[str] = Field(min_length=1)
    """Why this version, and where its digest comes from."""

    @property
    def registry(self) -> str:
        """The upstream registry's host."""
        return self.repository.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository without its registry host, organisation included."""
        return self.repository.partition("/")[2]


@cache
def images() -> Mapping[str, ImageSpec]:
    """Every image of the stack, by key."""
    return read_entries(IMAGES_FILE, ImageSpec)


def image_spec(key: str) -> ImageSpec:
    """The image with this key, or an UnknownEntryError that names the nearest."""
    return find("image", IMAGES_FILE, images(), key)


def repository(spec: ImageSpec, prefix: str | None) -> str:
    """Where `spec` is pulled from: upstream, or below `prefix`, which takes the host's place."""
    return f"{prefix.rstrip('/')}/{spec.path}" if prefix else spec.repository


def image(key: str, prefix: str | None = None) -> str:
    """The reference of an image for a pod, with its digest where that is known.

    `prefix` (registry and path of a mirror, like `registry.example/mirror`) takes the place of the
    upstream registry's host; None or empty pulls from upstream. Raises UnknownEntryError.
    """
    spec = image_spec(key)
    pinned = f"@{spec.digest}" if spec.digest else ""
    return f"{repository(spec, prefix)}:{spec.tag}{pinned}"
