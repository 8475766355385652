"""A real registry of images: that of go-containerregistry, over plain HTTP."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import go_program
from tests.conformance.peers.process import running

_VERSION = "v0.20.7"
_PACKAGE = "github.com/google/go-containerregistry/cmd/crane"


def crane() -> str:
    """The path of the command."""
    return go_program.built("crane", _PACKAGE, _VERSION, "half a minute")


@contextmanager
def start(folder: Path) -> Generator[str]:
    """Run it, empty; its URL. Gone with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"{LOOPBACK}:{free_port()}"

    def ready() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://{address}/v2/").is_success
        return False

    with running(
        [crane(), "registry", "serve", "--address", address], folder=folder, ready=ready, seconds=60
    ):
        yield f"http://{address}"
