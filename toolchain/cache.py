"""The folder of built parts and of simulated stacks' state, outside any checkout."""

import os
from pathlib import Path


def root() -> Path:
    """The cache folder, which may not exist yet.

    `$PAI_CACHE`, else `private-ai` under `$XDG_CACHE_HOME`, else `~/.cache/private-ai`.
    """
    if own := os.environ.get("PAI_CACHE"):
        return Path(own).expanduser().absolute()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser().absolute() / "private-ai"
    return Path.home() / ".cache" / "private-ai"
