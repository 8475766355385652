"""The JSON patches that a project's kustomization makes to its own manifests (RFC 6902)."""

from typing import Any

from sim.api import Object


def patched(content: Object, patches: list[Object]) -> Object:
    """*content*, changed in place by *patches*.

    Of the operations: `replace` and `remove`, and `add` to a mapping or at the end of a list.
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
