"""One event loop for the whole run: Pulumi's runtime keeps its own on the thread."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def event_loop_of_the_run() -> Iterator[None]:
    """Set before any mock monitor asks for one, closed after the last."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
