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

_Stack = Callable[[], source_pb2.StackTrace]
_Position = Callable[[source_pb2.StackTrace], source_pb2.SourcePosition | None]


def keep_source_position_only() -> None:
    """Send the line of this project that creates the resource, and nothing else of the stack.

    The SDK has no switch for it, so two functions of it are wrapped; tests/engine fails if an
    upgrade of the SDK makes that ineffective.
    """
    whole: _Stack = resource._get_stack_trace  # noqa: SLF001
    position: _Position = resource._get_source_position  # noqa: SLF001
    if getattr(position, "wrapped", False):
        return

    def nearest() -> source_pb2.StackTrace:
        frames = (frame for frame in whole().frames if _is_own(frame.pc.uri))
        return source_pb2.StackTrace(frames=islice(frames, 1))

    def position_alone(stack: source_pb2.StackTrace) -> source_pb2.SourcePosition | None:
        found = position(stack)
        kept = None if found is None else source_pb2.SourcePosition(uri=found.uri, line=found.line)
        stack.ClearField("frames")  # it is sent as it is after this
        return kept

    position_alone.wrapped = True  # type: ignore[attr-defined]
    resource._get_stack_trace = nearest  # noqa: SLF001
    resource._get_source_position = position_alone  # noqa: SLF001


def _is_own(uri: str) -> bool:
    return uri.startswith(_PROJECT) and _INSTALLED not in uri
