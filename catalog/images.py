"""Container images: the version of each part, pinned by digest where one is known."""

from collections.abc import Mapping
from functools import cache

from pydantic import Field

from base.model import Model
from catalog.licenses import License
from catalog.load import find, read_entries

IMAGES_FILE = "images.yaml"
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"


class ImageSpec(Model):
    """One image of the stack."""

    key: str
    """Name by which components refer to it."""
    repository: str = Field(pattern=r"^[a-z0-9.-]+\.[a-z]+(/[a-z0-9._-]+)+$")
    """Upstream registry host and path, such as `docker.io/library/kong`."""
    tag: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
    digest: str = Field(default="", pattern=f"({DIGEST_PATTERN})|^$")
    """Digest of the multi-platform index behind the tag; empty where it could not be looked up.
    `pai images lock` fills it."""
    user: int | None = Field(default=None, gt=0)
    """User that owns the files of the image, and that it therefore runs as; None: any user will do,
    and it gets one that no node has."""
    operator: str = ""
    """Operator of `cluster.operators` whose own image this is. It is installed before the stack, at
    a version of the user's choice; this is the one that the stack is tested against."""
    cuda: str = Field(default="", pattern=r"^(\d+\.\d+)?$")
    """CUDA version inside an image for NVIDIA GPUs, else empty; see catalog.cuda."""
    min_driver: int | None = Field(default=None, gt=0)
    """Branch of NVIDIA's driver that its authors require, where newer than its CUDA requires."""
    license: License
    """License of the program that the image is for; the packages around it have their own."""
    sources: list[str] = Field(min_length=1)
    """Reason for this version, and source of its digest."""

    @property
    def registry(self) -> str:
        """The upstream registry's host."""
        return self.repository.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository without its registry host, with the organization."""
        return self.repository.partition("/")[2]


@cache
def images() -> Mapping[str, ImageSpec]:
    """Every image of the stack, by key."""
    return read_entries(IMAGES_FILE, ImageSpec)


def image_spec(key: str) -> ImageSpec:
    """The image with this key. Raises UnknownEntryError, which names the nearest."""
    return find("image", IMAGES_FILE, images(), key)


def image_user(key: str) -> int:
    """The user that owns the files of the image with this key.

    Raises UnknownEntryError, and ValueError if the catalog names none.
    """
    user = image_spec(key).user
    if user is None:
        message = f"{IMAGES_FILE}: {key} has no user"
        raise ValueError(message)
    return user


def repository(spec: ImageSpec, prefix: str | None) -> str:
    """The repository to pull `spec` from: upstream, or below `prefix` instead of the host."""
    return f"{prefix.rstrip('/')}/{spec.path}" if prefix else spec.repository


def image(key: str, prefix: str | None = None) -> str:
    """The image reference for a pod, with the digest where that is known.

    `prefix` (registry and path of a mirror, such as `registry.example/mirror`) replaces the
    upstream registry's host; None or empty pulls from upstream. Raises UnknownEntryError.
    """
    spec = image_spec(key)
    pinned = f"@{spec.digest}" if spec.digest else ""
    return f"{repository(spec, prefix)}:{spec.tag}{pinned}"
