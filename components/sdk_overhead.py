"""What Pulumi's Python SDK spends beside the work of a program, and how that is avoided.

With the 366 resources of prod a preview took 12.2 s, of which the program ran 7.1 s; without what
is below, 8.0 s and 2.9 s (two cores). The SDK (pulumi 3.256.0) has no switch for any of it.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import cast

import pulumi
from pulumi.runtime import resource, stack
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.settings import SETTINGS


def reduce() -> None:
    """To be called once the program's modules are imported, before its first resource."""
    if stack.wait_for_rpcs is _wait_for_rpcs:
        return
    stack.wait_for_rpcs = _wait_for_rpcs
    # The classes of pulumi_kubernetes are a million objects, which each full collection would
    # walk through; none of them is ever garbage.
    gc.freeze()
    # Four messages for each resource, each a blocking call to the engine, which shows them with
    # --debug alone (pulumi/runtime/resource.py:985, :1047, :1206, rpc_manager.py:68).
    pulumi.log.debug = _nothing
    # The call stack of each registration, which the engine writes into the state: a seventh of
    # prod's, with paths of the machine (pulumi/runtime/resource.py:719;
    # pkg/resource/stack/deployment.go:695).
    resource._get_stack_trace = source_pb2.StackTrace  # noqa: SLF001


def _nothing(*_: object, **__: object) -> None:
    pass


async def _settled() -> None:
    """Wait until no output is pending, or one of them has failed.

    Each output is waited for once. The SDK adds a callback to every pending output, and removes
    it, each time that one of them is done (pulumi/runtime/stack.py:200-233): the square of their
    number.
    """
    outputs = cast("set[asyncio.Future[object]]", SETTINGS.outputs)
    while pending := [output for output in outputs if not output.done()]:
        done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
        if any(output.cancelled() or output.exception() for output in done):
            return  # the SDK says what failed


_of_the_sdk: Callable[..., Awaitable[None]] = stack.wait_for_rpcs


async def _wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:  # noqa: FBT001, FBT002
    if await_all_outstanding_tasks:
        await _settled()
    await _of_the_sdk(await_all_outstanding_tasks)
