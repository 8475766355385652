"""Upload a verified model to a mirror that the download Jobs of a stack read."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn, Protocol

from base.problems import Problem
from cli.errors import CommandError
from weights.errors import WeightsError
from weights.fetch import PARTIAL, check_free_space
from weights.manifest import Manifest, check_digests, check_layout
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
        """Copy the files into a new folder, verify the copies, and put it in its place.

        Writes only there and below the folder of the repository, which must be no link. Raises
        OSError too.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        target = self._root / mirror_path(Commit(manifest.repository, manifest.revision), "")
        self._check(target)
        if target.exists() and Manifest.read(target) == manifest:
            on_progress(manifest.size)
            return str(target)
        check_free_space(self._root, manifest.size)
        # Of its own each time: what is there may be a link.
        with TemporaryDirectory(prefix=f"{PARTIAL}-", dir=self._root) as temporary:
            partial = Path(temporary) / manifest.revision
            for file in manifest.files:
                path = partial / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / file.name, path, follow_symlinks=False)
                on_progress(file.size)
            if faults := check_layout(partial, manifest) + check_digests(partial, manifest):
                raise WeightsError(*faults)
            partial.mkdir(exist_ok=True)
            manifest.write(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
        return str(target)

    def _check(self, target: Path) -> None:
        """Refuse a *target* that is elsewhere, by a link below the root. Raises CommandError."""
        within = target.relative_to(self._root)
        if target.resolve() != self._root.resolve() / within:
            raise CommandError(
                Problem(
                    path=str(target),
                    got="a link to another folder",
                    allowed="folders below --to",
                    change="remove the link, or pass the folder that it leads to",
                )
            )


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
