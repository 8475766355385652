"""The waiting at the end of a program: linear, and with the errors of the SDK."""

import asyncio
from collections.abc import Collection
from typing import Any

import pulumi
import pytest

from tests.support import deploy


def test_each_output_is_waited_for_once_or_twice_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[int] = []
    wait = asyncio.wait

    async def counted(outputs: Collection[Any], **how: Any) -> Any:
        waited.append(len(outputs))
        return await wait(outputs, **how)

    monkeypatch.setattr("asyncio.wait", counted)

    async def slow(steps: int) -> int:
        for _ in range(steps):
            await asyncio.sleep(0)
        return steps

    def program() -> None:
        for steps in range(200):
            pulumi.Output.from_input(slow(steps)).apply(str)

    deploy(program)

    assert 400 <= sum(waited) <= 1200


def test_what_a_program_does_wrong_ends_it_while_others_are_pending() -> None:
    started = asyncio.Event()

    async def never() -> None:
        await started.wait()

    def program() -> None:
        pulumi.Output.from_input(never())
        pulumi.Output.from_input("x").apply(int)

    with pytest.raises(ValueError, match="invalid literal"):
        deploy(program)
    started.set()
    for _ in range(3):  # outputs, and what was made of them
        asyncio.get_event_loop().run_until_complete(asyncio.sleep(0))
