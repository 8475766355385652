"""The order of the run, Hypothesis's profiles; for each worker, its event loop and its ports."""

import asyncio
import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from tests.order import GroupScheduling, ordered

# The modules of pulumi_kubernetes alone are a million objects, which every full collection walks
# through: with Python's own threshold of 700 that is two fifths of the unit tests' time. Nor does
# a higher one let a worker grow: half a gigabyte.
gc.set_threshold(100_000, 20, 50)

# On a machine that others use as well, any example may take any time: no test asserts one.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("ci"), max_examples=10)
settings.load_profile("ci")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests, with workers or without."""
    items[:] = ordered([(item.nodeid, item) for item in items])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    """Keep each group on one worker, in the order above rather than by their numbers of tests."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def event_loop_of_the_run() -> Iterator[None]:
    """Set before any mock monitor asks for one, closed after the last.

    Pulumi's runtime keeps its own on the thread.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="session", autouse=True)
def ports_of_the_worker() -> Iterator[None]:
    """A share of the free ports for each worker: a port is chosen seconds before it is taken."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.ports._RANGE", range(20000 + number, 32768, workers))
        yield
