"""Generated configuration names the cluster's hosts and a container's paths; here they differ."""

from collections.abc import Mapping
from typing import Any


def relocated(value: Any, moves: Mapping[str, str]) -> Any:
    """*value* with each key of *moves* replaced by its value, in every string of it.

    Raises ValueError for a key that occurs nowhere, since the test would then not be testing the
    configuration it says it does.
    """
    used: set[str] = set()
    moved = _moved(value, moves, used)
    if unused := sorted(set(moves) - used):
        message = f"the configuration does not mention {', '.join(unused)}: update the test's moves"
        raise ValueError(message)
    return moved


def _moved(value: Any, moves: Mapping[str, str], used: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _moved(item, moves, used) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, moves, used) for item in value]
    if isinstance(value, str):
        # Longer keys first: a URL with a port before the host alone.
        for old in sorted(moves, key=len, reverse=True):
            if old in value:
                used.add(old)
                value = value.replace(old, moves[old])
    return value
