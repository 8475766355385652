"""JSON patches (RFC 6902), as a kustomization applies them to its manifests."""

from typing import Any

from sim.api import Object


def patched(content: Object, patches: list[Object]) -> Object:
    """Apply *patches* to *content* in place, and return it.

    Supports `replace`, `remove`, and `add` to a mapping or to the end of a list.
    """
    for patch in patches:
        *parents, last = patch["path"].removeprefix("/").split("/")
        target: Any = content
        for part in parents:
            target = target[int(part) if isinstance(target, list) else part]
        if patch["op"] == "remove":
            del target[last]
        elif last == "-":
            target.append(patch["value"])
        else:
            target[int(last) if isinstance(target, list) else last] = patch["value"]
    return content
