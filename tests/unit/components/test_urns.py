"""What identifies each resource of prod in its state; every other stack: tests/engine."""

import pytest

from tests import urns

pytestmark = pytest.mark.slow


def test_no_urn_of_prod_changes() -> None:
    assert urns.planned("prod") == urns.golden("prod")
