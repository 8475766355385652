"""Which frames of the call stack the engine keeps in the state, for each resource.

The SDK sends the whole stack with every registration, and the engine writes it into the state
(pulumi 3.256.0: `_get_stack_trace` in pulumi/runtime/resource.py; `StackTrace` in
pkg/resource/stack/deployment.go:695). Two thirds of the frames are the runtime's own, the same for
every resource: a seventh of prod's state, with the paths of the machine that deployed it.
"""

from collections.abc import Callable
from pathlib import Path

from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

_PROJECT = Path(__file__).resolve().parents[1].as_uri() + "/"
_INSTALLED = "/site-packages/"


def keep_own_frames() -> None:
    """Send only the frames inside this project, from `__main__.py` to the resource.

    The SDK has no switch for it, so its function is wrapped; the engine tests fail if an upgrade
    makes that ineffective.
    """
    whole: Callable[[], source_pb2.StackTrace] = resource._get_stack_trace  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    if getattr(whole, "own_frames", False):
        return

    def own() -> source_pb2.StackTrace:
        frames = [frame for frame in whole().frames if _is_own(frame.pc.uri)]
        return source_pb2.StackTrace(frames=frames)

    own.own_frames = True  # type: ignore[attr-defined]
    resource._get_stack_trace = own  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _is_own(uri: str) -> bool:
    return uri.startswith(_PROJECT) and _INSTALLED not in uri
