"""How much of the call stack the engine keeps in the state, for each resource.

The SDK sends the whole stack with every registration, and the engine writes it into the state
(pulumi 3.256.0: `_get_stack_trace` in pulumi/runtime/resource.py; `StackTrace` in
pkg/resource/stack/deployment.go:695). That was a seventh of prod's state, most of it frames of the
runtime, with the paths of the machine that deployed it.
"""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

_PROJECT = Path(__file__).resolve().parents[1].as_uri() + "/"
_INSTALLED = "/site-packages/"


def keep_one_frame() -> None:
    """Send only the line of this project that creates the resource.

    The SDK has no switch for it, so its function is wrapped; tests/engine fails if an upgrade of
    the SDK makes that ineffective.
    """
    whole: Callable[[], source_pb2.StackTrace] = resource._get_stack_trace  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    if getattr(whole, "one_frame", False):
        return

    def nearest() -> source_pb2.StackTrace:
        frames = (frame for frame in whole().frames if _is_own(frame.pc.uri))
        return source_pb2.StackTrace(frames=islice(frames, 1))

    nearest.one_frame = True  # type: ignore[attr-defined]
    resource._get_stack_trace = nearest  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _is_own(uri: str) -> bool:
    return uri.startswith(_PROJECT) and _INSTALLED not in uri
