"""Let a server start on nothing but verified weights.

Runs before the server, in its pod. Usage: python -m weights.verify MODEL STAMPS, with the node's
name in NODE_NAME. MODEL is JSON: the `folder`, `repository`, `revision` and `sha256` (file name to
sum, or empty) of the model; STAMPS is a directory, beside the weights, that this program alone
writes.

Every file is measured against the manifest that the download left: its size always, its content
once a node. A node that read every byte leaves a stamp with the manifest's digest and the times of
the files; while these are what they were, its next pod starts at once. Exits 1 and names each wrong
file.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from .files import WeightsError
from .manifest import Manifest, altered, misplaced


def verify(model: str, stamps: Path, node: str) -> str:
    """What was found out about the model that the JSON *model* describes, in a sentence.

    Raises WeightsError with every wrong file, a line each.
    """
    asked: dict[str, Any] = json.loads(model)
    folder = Path(asked["folder"])
    manifest = Manifest.read(folder)
    if not manifest.same_as(asked["repository"], asked["revision"], asked["sha256"]):
        message = f"{folder} holds {manifest.repository} at {manifest.revision}, or other files of"
        message += f" it than the stack pins of {asked['repository']} at {asked['revision']}"
        raise WeightsError(message)
    if wrong := misplaced(folder, manifest):
        raise WeightsError("\n".join(wrong))
    state = {
        "manifest": manifest.digest,
        "modified": {f.name: (folder / f.name).stat().st_mtime_ns for f in manifest.files},
    }
    stamp = stamps / manifest.revision / f"{node}.json"
    count = f"{len(manifest.files)} files, {manifest.size} bytes"
    if _read(stamp) == state:
        return f"{count}: as they were when {node} read them"
    if wrong := altered(folder, manifest):
        stamp.unlink(missing_ok=True)
        raise WeightsError("\n".join(wrong))
    _write(stamp, state)
    return f"{count}: every byte verified on {node}"


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None


def _write(stamp: Path, state: object) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    # Two pods of one node may end at the same time; neither may read half of it.
    partial = stamp.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(state))
    partial.replace(stamp)


def main(model: str, stamps: str) -> None:
    """Verify the model that the JSON *model* describes, on the node called NODE_NAME."""
    try:
        print(verify(model, Path(stamps), os.environ["NODE_NAME"]))
    except WeightsError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
