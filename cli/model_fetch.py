"""A commit of a model from the hub into a folder, with huggingface_hub: resumed, verified."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers
from tqdm.std import tqdm

from weights.fetch import need_room
from weights.files import CHUNK, File, Sums, WeightsError, Wish, wanted
from weights.manifest import Manifest, misplaced

Moved = Callable[[int], None]
"""Is told of bytes as they go by."""


@dataclass(frozen=True)
class Wanted:
    """A commit of a repository, and which of its files."""

    repository: str
    revision: str
    wish: Wish


def fetch(asked: Wanted, to: Path, endpoint: str | None, start: Callable[[int], Moved]) -> Manifest:
    """Make *to* the folder of the commit *asked*, with a manifest of its files.

    Until it is whole it is beside *to*, from where an interrupted download goes on. *start* is told
    how many bytes there are in all. Raises WeightsError that names the file, or what the hub says.
    """
    if to.exists():
        return _there(asked, to)
    partial = to.with_name(f".{to.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    api = HfApi(endpoint=endpoint)
    try:
        files = wanted(_listing(api, asked), asked.wish)
        _forget_others(partial, {f.name for f in files})
        need_room(partial, sum(f.size for f in files) - _size(partial))
        moved = start(sum(f.size for f in files))
        sums = {file.name: _bring(api, asked, file, partial, moved) for file in files}
    except GatedRepoError:
        message = f"{asked.repository} is behind a licence: accept it at {api.endpoint}/"
        message += f"{asked.repository}, and set HF_TOKEN to a token of the same account"
        raise WeightsError(message) from None
    except RepositoryNotFoundError:
        message = f"{asked.repository} at {asked.revision}: the hub does not know it, or not to"
        message += " whoever has no token; set HF_TOKEN where it is private"
        raise WeightsError(message) from None
    except (HfHubHTTPError, httpx2.HTTPError) as error:
        message = f"{asked.repository} at {asked.revision}: {str(error).splitlines()[0]}"
        raise WeightsError(message) from None
    verified = tuple(File(f.name, f.size, sha256=sums[f.name]) for f in files)
    manifest = Manifest(asked.repository, asked.revision, verified)
    manifest.write(partial)
    partial.rename(to)
    return manifest


def _there(asked: Wanted, to: Path) -> Manifest:
    manifest = Manifest.read(to)
    if not manifest.same_as(asked.repository, asked.revision, asked.wish.sha256):
        message = f"{to} holds {manifest.repository} at {manifest.revision}: name another folder"
        raise WeightsError(message)
    if wrong := misplaced(to, manifest):
        raise WeightsError("\n".join([*wrong, f"delete {to} to fetch it again"]))
    return manifest


def _listing(api: HfApi, asked: Wanted) -> list[File]:
    info = api.model_info(asked.repository, revision=asked.revision, files_metadata=True)
    if info.sha != asked.revision:
        message = f"the hub gives commit {info.sha} instead of {asked.revision}"
        raise WeightsError(message)
    return [
        File(
            name=entry.rfilename,
            size=entry.size or 0,
            sha256=entry.lfs.sha256 if entry.lfs else "",
            git_sha1="" if entry.lfs else entry.blob_id or "",
        )
        for entry in info.siblings or []
    ]


def _bring(api: HfApi, asked: Wanted, file: File, folder: Path, moved: Moved) -> str:
    """Bring *file* below *folder*; returns its SHA-256. WeightsError when its content is wrong."""
    path = folder / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.stat().st_size if path.is_file() and path.stat().st_size <= file.size else 0
    moved(begun)
    url = hf_hub_url(asked.repository, file.name, revision=asked.revision, endpoint=api.endpoint)
    try:
        # hf_hub_download forgets what came when it is interrupted (since huggingface_hub 1.x); this
        # is what it downloads with.
        with path.open("ab" if begun else "wb") as content:
            http_get(
                url,
                content,
                resume_size=begun,
                headers=build_hf_headers(token=api.token),
                expected_size=file.size,
                displayed_filename=file.name,
                tqdm_class=_forwarding(moved),
            )
    except (HfHubHTTPError, httpx2.HTTPError):
        raise
    except OSError as error:
        # The disk, or a length that is not the stated one: the rest of it is for developers.
        message = f"{file.name}: {error.strerror or str(error).splitlines()[0]}"
        raise WeightsError(message) from None
    sums = Sums(file)
    with path.open("rb") as content:
        while data := content.read(CHUNK):
            sums.add(data)
    if not sums.matched:
        path.unlink()  # or the next attempt would take it for done
        message = f"{file.name}: wrong content, SHA-256 {sums.sha256},"
        message += f" not {file.sha256 or file.git_sha1}"
        raise WeightsError(message)
    return sums.sha256


def _forwarding(moved: Moved) -> "type[tqdm[Any]]":
    """A progress bar for huggingface_hub that shows nothing and tells *moved*."""

    # Generic in its type stubs alone.
    class Forwarding(tqdm):  # pyright: ignore[reportMissingTypeArgument]
        def __init__(self, **_: object) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> bool | None:
            moved(int(n or 0))
            return None

    return Forwarding


def _forget_others(folder: Path, names: set[str]) -> None:
    """Delete what an earlier choice of files has left in *folder*."""
    for path in _files(folder):
        if path.relative_to(folder).as_posix() not in names:
            path.unlink()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
