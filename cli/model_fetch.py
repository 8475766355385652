"""Download a commit of a model from the hub with huggingface_hub: resumable and verified."""

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

from base.problems import Problem
from cli.errors import CommandError
from weights.errors import WeightsError
from weights.fetch import check_free_space
from weights.files import CHUNK, Digests, File, FileSelection, select_files
from weights.manifest import Manifest, check_layout

OnProgress = Callable[[int], None]
"""Called with the number of bytes just transferred."""


@dataclass(frozen=True)
class FetchRequest:
    """A commit of a repository, and a selection of its files."""

    repository: str
    revision: str
    selection: FileSelection

    def __str__(self) -> str:
        """Repository and commit, for messages."""
        return f"{self.repository} at {self.revision}"


def fetch(
    request: FetchRequest, to: Path, endpoint: str | None, start: Callable[[int], OnProgress]
) -> Manifest:
    """Download *request* into the new folder *to*, with a manifest of its files.

    Until it is complete, the download is in a hidden folder beside *to*, where an interrupted one
    resumes. *start* is called with the total number of bytes. Raises ProblemError, or WeightsError
    for files that are refused.
    """
    if to.exists():
        return _existing(request, to)
    partial = to.with_name(f".{to.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    api = HfApi(endpoint=endpoint)
    try:
        files = select_files(_listing(api, request), request.selection)
        _delete_others(partial, {f.name for f in files})
        check_free_space(partial, sum(f.size for f in files) - _size(partial))
        on_progress = start(sum(f.size for f in files))
        digests = {file.name: _download(api, request, file, partial, on_progress) for file in files}
    except GatedRepoError:
        raise _failed(
            str(request),
            "a gated repository that the token may not read",
            "a token of an account that has accepted the license",
            f"accept it at {api.endpoint}/{request.repository}, then set HF_TOKEN",
        ) from None
    except RepositoryNotFoundError:
        raise _failed(
            str(request),
            "a repository that the hub does not know, or does not show without a token",
            "a repository that the token may read",
            "check the name; set HF_TOKEN if the repository is private",
        ) from None
    except httpx2.TransportError as error:
        raise _failed(
            str(request),
            f"{api.endpoint} cannot be reached ({error or type(error).__name__})",
            "the files of the commit",
            "check the network, the proxy and the certificates, or pass --endpoint of a mirror;"
            " then run the command again: it resumes",
        ) from None
    except (HfHubHTTPError, httpx2.HTTPError) as error:
        raise _failed(
            str(request),
            str(error).splitlines()[0],
            "the files of the commit",
            "check the commit and HF_TOKEN, then run the command again: it resumes",
        ) from None
    verified = tuple(File(f.name, f.size, sha256=digests[f.name]) for f in files)
    manifest = Manifest(request.repository, request.revision, verified)
    manifest.write(partial)
    partial.rename(to)
    return manifest


def _failed(path: str, got: str, allowed: str, change: str) -> CommandError:
    return CommandError(Problem(path, got, allowed, change))


def _existing(request: FetchRequest, to: Path) -> Manifest:
    manifest = Manifest.read(to)
    same = manifest.is_of(request.repository, request.revision)
    if not (same and manifest.lists(request.selection.sha256)):
        got = f"{manifest.repository} at {manifest.revision}"
        raise _failed(str(to), got, f"{request}, or no folder", "choose another folder")
    if faults := check_layout(to, manifest):
        raise WeightsError(*faults)
    return manifest


def _listing(api: HfApi, request: FetchRequest) -> list[File]:
    info = api.model_info(request.repository, revision=request.revision, files_metadata=True)
    if info.sha != request.revision:
        raise _failed(
            request.repository,
            f"commit {info.sha}",
            f"commit {request.revision}",
            "use a hub that serves the requested commit",
        )
    return [
        File(
            name=entry.rfilename,
            size=entry.size or 0,
            sha256=entry.lfs.sha256 if entry.lfs else "",
            git_sha1="" if entry.lfs else entry.blob_id or "",
        )
        for entry in info.siblings or []
    ]


def _download(
    api: HfApi, request: FetchRequest, file: File, folder: Path, on_progress: OnProgress
) -> str:
    """Download *file* into *folder*; return its SHA-256. Raises CommandError if it is wrong."""
    path = folder / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    present = path.stat().st_size if path.is_file() and path.stat().st_size <= file.size else 0
    on_progress(present)
    url = hf_hub_url(
        request.repository, file.name, revision=request.revision, endpoint=api.endpoint
    )
    try:
        # hf_hub_download discards a partial file when it is interrupted (since huggingface_hub
        # 1.x); http_get is what it downloads with.
        with path.open("ab" if present else "wb") as content:
            http_get(
                url,
                content,
                resume_size=present,
                headers=build_hf_headers(token=api.token),
                expected_size=file.size,
                displayed_filename=file.name,
                tqdm_class=_forwarding(on_progress),
            )
    except (HfHubHTTPError, httpx2.HTTPError):
        raise
    except OSError as error:
        # A disk error or a wrong length; the further lines of it are for developers.
        raise _failed(
            file.name,
            error.strerror or str(error).splitlines()[0],
            f"{file.size} bytes",
            "check the disk and the hub, then run the command again: it resumes",
        ) from None
    digests = Digests(file)
    with path.open("rb") as content:
        while data := content.read(CHUNK):
            digests.update(data)
    if not digests.match:
        path.unlink()  # or the next attempt would take it for complete
        raise _failed(
            file.name,
            f"wrong content, SHA-256 {digests.sha256}",
            f"SHA-256 {file.sha256}" if file.sha256 else f"git blob {file.git_sha1}",
            "run the command again; if it fails again, the hub's copy is damaged",
        )
    return digests.sha256


def _forwarding(on_progress: OnProgress) -> "type[tqdm[Any]]":
    """A progress bar for huggingface_hub that shows nothing and calls *on_progress*."""

    # Generic in its type stubs alone.
    class Forwarding(tqdm):  # pyrefly: ignore[implicit-any-type-argument]
        def __init__(self, **_: object) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> bool | None:
            on_progress(int(n or 0))
            return None

    return Forwarding


def _delete_others(folder: Path, names: set[str]) -> None:
    """Delete the files in *folder* that an earlier selection left and *names* does not list."""
    for path in _files(folder):
        if path.relative_to(folder).as_posix() not in names:
            path.unlink()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
