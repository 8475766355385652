"""Ollama's own source, out of its Go module: the truth about the environment that it reads."""

import re
import shutil
from functools import cache as once
from pathlib import Path

from tests.conformance.peers import cache, go_program

VERSION = "0.17.4"
_SUM = "h1:X3KNm9x4BlHqk/AXMGtC7pBAFd46nmJmy8yDaBZLo9s="

_VARIABLE = re.compile(r'"(OLLAMA_\w+)"')
_KV_TYPES = re.compile(r'slices\.Contains\(\[\]string\{([^}]*"q8_0"[^}]*)\}')


@once
def _folder() -> Path:
    return cache.installed("ollama", VERSION, "7 MB through Go's module proxy", _install)


def variables() -> frozenset[str]:
    """Every variable of its own that `envconfig` reads."""
    return frozenset(_VARIABLE.findall((_folder() / "config.go").read_text()))


def kv_cache_types() -> frozenset[str]:
    """What the KV cache may be quantized to."""
    text = (_folder() / "ggml.go").read_text()
    found = _KV_TYPES.search(text)
    assert found, "fs/ggml/ggml.go lists no types of the KV cache"
    return frozenset(re.findall(r'"(\w+)"', found[1]))


def routes() -> frozenset[str]:
    """The paths of its server."""
    text = (_folder() / "routes.go").read_text()
    return frozenset(re.findall(r'r\.(?:GET|POST|HEAD|DELETE)\("([^"]+)"', text))


def _install(folder: Path) -> None:
    module = go_program.module("github.com/ollama/ollama", f"v{VERSION}", _SUM)
    for file in ("envconfig/config.go", "fs/ggml/ggml.go", "server/routes.go"):
        shutil.copy(module / file, folder / Path(file).name)
        (folder / Path(file).name).chmod(0o644)
