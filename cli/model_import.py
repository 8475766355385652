"""Upload a verified model to a mirror that the download Jobs of a stack read."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from base.problems import Problem
from cli.errors import CommandError
from weights.errors import WeightsError
from weights.fetch import PARTIAL, check_free_space
from weights.manifest import Manifest, check_digests
from weights.sources import Commit, mirror_path

OnProgress = Callable[[int], None]
"""Called with the number of bytes just transferred."""


class Mirror(Protocol):
    """A place that Jobs read from. The manifest is written last: without it there is no model."""

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Write the files of *folder*; return their URL or path. Raises ProblemError."""
        ...


class Folder:
    """A folder that a web server serves."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Copy the files, then verify the copies."""
        commit = Commit(manifest.repository, manifest.revision)
        target = self._root / mirror_path(commit, "")
        if target.exists() and Manifest.read(target) == manifest:
            on_progress(manifest.size)
            return str(target)
        partial = self._root / PARTIAL / manifest.revision
        partial.mkdir(parents=True, exist_ok=True)
        check_free_space(partial, manifest.size)
        for file in manifest.files:
            path = partial / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file.name, path)
            on_progress(file.size)
        if faults := check_digests(partial, manifest):
            raise WeightsError(*faults)
        manifest.write(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        return str(target)


def refuse(url: str, code: int) -> NoReturn:
    """Raise the CommandError for HTTP status *code* of an upload to *url*."""
    raise CommandError(
        Problem(
            path=url,
            got=f"HTTP {code}",
            allowed="a successful upload",
            change="check the URL and the credentials, then run the command again",
        )
    ) from None
