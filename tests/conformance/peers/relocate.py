"""Generated configuration names the cluster's hosts and a container's paths; here they differ."""

import re
from collections.abc import Mapping
from typing import Any


def relocated(value: Any, moves: Mapping[str, str]) -> Any:
    """*value* with each key of *moves* replaced by its value, in every string of it.

    Where two keys would do, the longer one does: a URL with a port before the host alone. Raises
    ValueError for a key that occurs nowhere, since the test would then not be testing the
    configuration it says it does.
    """
    used: set[str] = set()
    longest_first = sorted(moves, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def move(found: re.Match[str]) -> str:
        used.add(found[0])
        return moves[found[0]]

    def moved(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: moved(each) for key, each in item.items()}
        if isinstance(item, list):
            return [moved(each) for each in item]
        return pattern.sub(move, item) if isinstance(item, str) else item

    result = moved(value)
    if unused := sorted(set(moves) - used):
        message = f"the configuration does not mention {', '.join(unused)}: update the test's moves"
        raise ValueError(message)
    return result
