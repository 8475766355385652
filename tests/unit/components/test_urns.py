"""What identifies each resource of prod in its state; every other stack: tests/engine."""

from tests import urns


def test_no_urn_of_prod_changes() -> None:
    assert urns.planned("prod") == urns.golden("prod")
