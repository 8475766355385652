"""Copying images from their registries into a mirror, with their digests.

The API of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md. What the mirror
has is not sent again, so a copy that was interrupted goes on with the layers that are missing.
"""

import hashlib
import io
import json
import re
import time
import urllib.error
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final

from catalog.images import DIGEST_PATTERN, ImageSpec
from catalog.registry import (
    ACCEPT,
    Credentials,
    RegistryError,
    api_url,
    login_for,
    split_reference,
)
from cli.failures import FailedError, Failure
from cli.registry_upload import PushRegistry
from weights.errors import WeightsError
from weights.transport import Transport, is_permanent

OnProgress = Callable[[int], None]
"""Called with the number of bytes just copied."""

_AT_ONCE: Final = 4
"""Layers; one connection seldom saturates the network."""
_ATTEMPTS: Final = 4
_LARGEST_MANIFEST: Final = 4 << 20
"""Bytes that a registry must take at least (distribution-spec v1.1.1, Pushing Manifests)."""
_CHUNK: Final = 1 << 20


class CopyError(FailedError):
    """One image could not be copied."""


@dataclass(frozen=True)
class Copied:
    """An image in the mirror."""

    key: str
    source: str
    target: str
    digest: str
    bytes: int
    """Of its layers, of all platforms that were copied."""
    sent: int
    """Bytes that the mirror lacked."""


@dataclass(frozen=True)
class _Manifest:
    body: bytes
    media_type: str
    digest: str

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def children(self) -> Sequence[Mapping[str, Any]]:
        """The manifests that an index lists; none of an image."""
        return self.content.get("manifests") or []

    @property
    def layers(self) -> Sequence[Mapping[str, Any]]:
        """Configuration and layers of an image, but for those that are kept elsewhere by URL."""
        content = self.content
        config = [content["config"]] if "config" in content else []
        return [*config, *(b for b in content.get("layers") or [] if not b.get("urls"))]

    def check(self) -> "_Manifest":
        """Itself. Raises ValueError, LookupError or TypeError if it is none of version 2."""
        if self.content["schemaVersion"] != 2:  # noqa: PLR2004 - the only one with digests
            raise ValueError
        for entry in (*self.children, *self.layers):
            if not re.fullmatch(DIGEST_PATTERN, entry["digest"]) or int(entry["size"]) < 0:
                raise ValueError
        return self


@dataclass(frozen=True)
class Mirror:
    """The registry and path that receive images."""

    prefix: str
    logins: Mapping[str, Credentials]
    transport: Transport
    plain_http: bool
    """HTTP to registries of this machine."""
    platform: str = ""
    """The only one to copy, such as linux/amd64; empty: all."""

    def repository(self, name: str) -> PushRegistry:
        """The repository *name*, with its host."""
        host, path = split_reference(name)
        login = login_for(host, self.logins)
        url = api_url(host, plain_http=self.plain_http)
        return PushRegistry(url, path, self.transport, ":".join(login) if login else "")


class Copy:
    """The copy of one image into *mirror*."""

    def __init__(self, spec: ImageSpec, mirror: Mirror, say: Callable[[str], None]) -> None:
        """Raises CopyError if a login cannot be read."""
        self._spec, self._mirror, self._say = spec, mirror, say
        self._names = (spec.repository, f"{mirror.prefix}/{spec.path}")
        with self._at(0):
            self._source = mirror.repository(self._names[0])
        with self._at(1):
            self._target = mirror.repository(self._names[1])
        self._sent = 0

    def run(self, have: dict[str, str], start: Callable[[int], OnProgress]) -> Copied:
        """Copy it. Raises CopyError.

        *have* are the repositories of the mirror that have a layer, by digest: those of earlier
        images, to which this one's are added. *start* is called with the bytes of all layers.
        """
        tag, reference = self._spec.tag, self._spec.digest or self._spec.tag
        with self._at(0):
            root = self._chosen(self._manifest(self._source, reference))
            manifests = [*self._below(root), root]
        size = sum(int(layer["size"]) for m in manifests for layer in m.layers)
        advance = start(size)
        with self._at(1):
            there = self._digest_of(tag) == root.digest
        if there:
            advance(size)
        else:
            self._copy(manifests, have, advance)
            with self._at(1):
                self._publish(tag, root)
        have |= {str(b["digest"]): self._target.name for m in manifests for b in m.layers}
        source, target = (f"{name}:{tag}" for name in self._names)
        return Copied(self._spec.key, source, target, root.digest, size, self._sent)

    def _copy(
        self, manifests: Sequence[_Manifest], have: Mapping[str, str], advance: OnProgress
    ) -> None:
        layers = {str(b["digest"]): int(b["size"]) for m in manifests for b in m.layers}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            pending = [
                pool.submit(self._layer, digest, size, have.get(digest, ""), advance)
                for digest, size in layers.items()
            ]
            try:
                for future in pending:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        with self._at(1):
            for manifest in manifests[:-1]:
                self._publish(manifest.digest, manifest)

    def _publish(self, reference: str, manifest: _Manifest) -> None:
        self._target.publish(reference, manifest.body, manifest.media_type)

    def _layer(self, digest: str, size: int, mount: str, advance: OnProgress) -> None:
        """Bring a layer into the mirror, if it is not there; by mounting it, where possible."""
        moved = 0

        def on_progress(offset: int) -> None:
            nonlocal moved  # bytes that an attempt sends again are not counted again
            if offset > moved:
                advance(offset - moved)
                moved = offset

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._at(1):
                    if self._target.has(digest):
                        break
                    body = io.BufferedReader(_Layer(self, digest, size, on_progress), _CHUNK)
                    other = mount if mount != self._target.name else ""
                    if self._target.push(digest, size, body, mount=other):
                        self._sent += size
                    break
            except CopyError as error:
                if attempt == _ATTEMPTS or not error.failure.transient:
                    raise
                pause = 2**attempt
                self._say(f"{error.failure.host}: {error.failure.got}; again in {pause} s")
                time.sleep(pause)
        on_progress(size)

    # Reading

    def _chosen(self, root: _Manifest) -> _Manifest:
        """*root*, or the image of the one platform that is asked for."""
        wanted = self._mirror.platform
        if not wanted or not root.children:
            return root
        names = {_platform(child): str(child["digest"]) for child in root.children}
        if wanted not in names:
            known = ", ".join(sorted(name for name in names if "unknown" not in name))
            raise self._failed(0, f"no platform {wanted}; it has {known}", "Name one of those")
        return self._manifest(self._source, names[wanted])

    def _below(self, root: _Manifest) -> list[_Manifest]:
        """The manifests that the index *root* refers to, those of its indexes first."""
        found: list[_Manifest] = []
        for child in root.children:
            manifest = self._manifest(self._source, str(child["digest"]))
            found += [*self._below(manifest), manifest]
        return found

    def _manifest(self, registry: PushRegistry, reference: str) -> _Manifest:
        with registry.send(f"manifests/{reference}", {"Accept": ACCEPT}) as answer:
            body = answer.read(_LARGEST_MANIFEST)
            media_type = answer.headers.get_content_type()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if reference.startswith("sha256:") and digest != reference:
            raise self._failed(0, f"another manifest, {digest}", "Report it to the registry")
        kind = json.loads(body).get("mediaType") or media_type
        return _Manifest(body, str(kind), digest).check()

    def _digest_of(self, tag: str) -> str:
        """Digest of *tag* in the mirror; empty if it is not there."""
        try:
            with self._target.send(f"manifests/{tag}", {"Accept": ACCEPT}) as answer:
                body = answer.read(_LARGEST_MANIFEST)
        except urllib.error.HTTPError as error:
            if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
                return ""
            raise
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def blob(self, digest: str, offset: int, size: int) -> HTTPResponse:
        """The layer of *size* bytes at its source, from *offset* on. Raises CopyError."""
        with self._at(0):
            answer = self._source.blob(digest, offset, size)
            skipped = 0 if answer.status == HTTPStatus.PARTIAL_CONTENT else offset
            while skipped and (data := answer.read(min(skipped, _CHUNK))):
                skipped -= len(data)
            return answer

    def cut_off(self, offset: int, size: int) -> CopyError:
        """The error for a layer of which the source never sends more."""
        got = f"{offset} of {size} bytes of a layer, then the end of the connection"
        return self._failed(0, got, "Run the command again: it goes on", transient=True)

    # Failing

    @contextmanager
    def _at(self, side: int) -> Generator[None]:
        """Turns what requests to the source (0) or the target (1) raise into CopyError."""
        try:
            yield
        except urllib.error.HTTPError as error:
            raise self._refused(side, error) from None
        except WeightsError as error:
            [fault, *_] = error.faults
            raise self._failed(side, f"{fault.path}: {fault.got}", fault.change) from None
        except RegistryError as error:
            raise self._failed(side, error.failure.got, error.failure.change) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            text = str(getattr(reason, "strerror", None) or reason) or type(error).__name__
            got = f"{self._host(side)} cannot be reached ({text.splitlines()[0]})"
            change = "Check the network, the proxy and the certificates"
            raise self._failed(side, got, change, whole_host=True, transient=True) from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            got = f"an answer of another form ({type(error).__name__})"
            change = "Use a registry with the OCI distribution API"
            raise self._failed(side, got, change) from None

    def _refused(self, side: int, error: urllib.error.HTTPError) -> CopyError:
        name, host = self._names[side], self._host(side)
        if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            right = ("read", "write to")[side]
            got = f"HTTP {error.code}: the login may not {right} {name}"
            return self._failed(side, got, f"Run `docker login {host}` as someone who may")
        if error.code == HTTPStatus.NOT_FOUND and side == 0:
            got = f"no {self._spec.repository}:{self._spec.digest or self._spec.tag}"
            change = "Correct its repository, tag or digest in catalog/images.yaml"
            return self._failed(side, got, change)
        if error.code == HTTPStatus.TOO_MANY_REQUESTS:
            change = f"Run `docker login {host}` for a higher limit, or run the command again later"
            return self._failed(
                side, "HTTP 429: a limit of requests", change, whole_host=True, transient=True
            )
        again = not is_permanent(error)
        change = "Run the command again: it goes on" if again else "Ask who runs the registry"
        return self._failed(side, f"HTTP {error.code}", change, transient=again)

    def _failed(
        self,
        side: int,
        got: str,
        change: str,
        *,
        whole_host: bool = False,
        transient: bool = False,
    ) -> CopyError:
        allowed = f"a copy of {self._names[0]}:{self._spec.tag} at {self._names[1]}"
        host = self._host(side)
        key = self._spec.key
        return CopyError(Failure(key, host, got, allowed, change, whole_host, transient))

    def _host(self, side: int) -> str:
        return split_reference(self._names[side])[0]


class _Layer(io.RawIOBase):
    """A layer at its source, read once; a connection that ends early is opened again."""

    def __init__(self, copy: Copy, digest: str, size: int, on_progress: OnProgress) -> None:
        self._copy, self._digest, self._size = copy, digest, size
        self._on_progress = on_progress
        self._offset = 0
        self._answer: HTTPResponse | None = None
        self._attempts = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - its parent's
        """Read into *buffer*; 0 at the end. Raises CopyError."""
        while self._offset < self._size:
            try:
                self._answer = self._answer or self._copy.blob(
                    self._digest, self._offset, self._size
                )
                data = self._answer.read(min(len(buffer), self._size - self._offset))
            except (OSError, HTTPException):
                data = b""
            if data:
                buffer[: len(data)] = data
                self._offset += len(data)
                self._on_progress(self._offset)
                return len(data)
            self._answer, self._attempts = None, self._attempts + 1
            if self._attempts == _ATTEMPTS:
                raise self._copy.cut_off(self._offset, self._size)
        return 0


def _platform(child: Mapping[str, Any]) -> str:
    """`linux/arm64/v8`, as an index describes one of its images."""
    of = child.get("platform") or {}
    parts = (of.get("os", "unknown"), of.get("architecture", "unknown"), of.get("variant", ""))
    return "/".join(str(part) for part in parts if part)
