"""Let a server start on verified weights only.

Runs as an init container of the server's pod. Usage: python -m weights.verify MODEL STAMPS, with
the node's name in NODE_NAME. MODEL is JSON: the `folder`, `repository`, `revision` and `sha256`
(digest by file name, or empty) of the model. STAMPS is a directory on the model's volume to which
only this program writes.

The files are compared with the manifest that the download wrote: their sizes always, their content
once per node. A node that has read every byte leaves a stamp with the manifest's digest and the
modification times of the files; as long as they do not change, its next pod starts at once. Exits
with 1 and a line for each wrong file.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from .errors import Fault, WeightsError
from .manifest import Manifest, check_digests, check_layout


def verify(model: str, stamps: Path, node: str) -> str:
    """The result for the model that the JSON *model* describes, in a sentence.

    Raises WeightsError with a fault for each wrong file.
    """
    expected: dict[str, Any] = json.loads(model)
    folder = Path(expected["folder"])
    manifest = Manifest.read(folder)
    _check_manifest(manifest, expected)
    if faults := check_layout(folder, manifest):
        raise WeightsError(*faults)
    state = {
        "manifest": manifest.digest,
        "modified": {f.name: (folder / f.name).stat().st_mtime_ns for f in manifest.files},
    }
    stamp = stamps / manifest.revision / f"{node}.json"
    count = f"{len(manifest.files)} files, {manifest.size} bytes"
    if _read(stamp) == state:
        return f"{count}: unchanged since {node} verified them"
    if faults := check_digests(folder, manifest):
        stamp.unlink(missing_ok=True)
        raise WeightsError(*faults)
    _write(stamp, state)
    return f"{count}: every byte verified on {node}"


def _check_manifest(manifest: Manifest, expected: dict[str, Any]) -> None:
    repository, revision = expected["repository"], expected["revision"]
    if not manifest.is_of(repository, revision):
        got, allowed = (
            f"{manifest.repository} at {manifest.revision}",
            f"{repository} at {revision}",
        )
    elif not manifest.lists(expected["sha256"]):
        got, allowed = "other files or digests", "those of the model's sha256"
    else:
        return
    change = "restore the volume, or correct the model's repository, revision or sha256"
    raise WeightsError(Fault(str(expected["folder"]), got, allowed, change))


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None


def _write(stamp: Path, state: object) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    # Two pods on one node may finish at the same time; neither may read half a stamp, nor take the
    # other's file away: the number of the process is 1 in both.
    with tempfile.NamedTemporaryFile("w", dir=stamp.parent, delete=False) as partial:
        partial.write(json.dumps(state))
    Path(partial.name).replace(stamp)


def main(model: str, stamps: str) -> None:
    """Verify the model that the JSON *model* describes, on the node NODE_NAME."""
    try:
        print(verify(model, Path(stamps), os.environ["NODE_NAME"]))
    except WeightsError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
