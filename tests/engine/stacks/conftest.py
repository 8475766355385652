"""A stack is deployed once, for every module of this folder: tests/order.py runs them in turn."""

from collections.abc import Iterator
from functools import cache

import pytest

from review.report import Report
from sim.api import Api
from tests.engine.checkout import Checkout, checkout
from tests.engine.review_cases import CASES, Review, reviewed

STACKS = ["local", "staging", "prod"]


@pytest.fixture(scope="package", params=STACKS)
def empty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """The checkout of the stack and its cluster; nothing is deployed until `stack` is asked for.

    Staging writes its state at every step, as every stack does that is kept.
    """
    name = request.param
    with checkout(name, tmp_path_factory.mktemp(name), kept=name == "staging") as copied:
        yield copied


@pytest.fixture(scope="package")
def stack(empty: Checkout) -> Checkout:
    """The stack, up on a cluster of its own."""
    done = empty.pulumi("up", "--yes", "--skip-preview")
    assert done.code == 0, done.output
    return empty


@pytest.fixture
def api(stack: Checkout) -> Api:
    """The stack's cluster, for who wants to look."""
    return stack.cluster.api()


@pytest.fixture(scope="package")
def review(stack: Checkout) -> Review:
    """The review of each case on the stack as it was deployed, previewed once."""

    @cache
    def of(case: str) -> Report:
        with CASES[case](stack):
            return reviewed(stack)

    return of
