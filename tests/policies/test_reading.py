"""Reading manifests that lack parts, or do not know them yet."""

import pytest

from policies import UNKNOWN
from policies.levels import stack_of
from policies.rules.reading import Decision, every, get, quantity, selects, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (3.0, "3"),
        (0.5, "0.5"),
        (4, "4"),
        (True, "true"),
        (False, "false"),
        ("default", "`default`"),
    ],
)
def test_a_message_shows_a_value_as_the_manifest_writes_it(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("500m", 0.5),
        ("2Gi", 2.0 * 2**30),
        ("1G", 1e9),
        (2, 2.0),
        ("8", 8.0),
        ("lots", None),
        ("5 apples", None),
        ("5x", None),
        ("1..5", None),
        ("2Pi", 2.0 * 2**50),
        ("1e3", 1000.0),
        (True, None),
        (UNKNOWN, None),
        (None, None),
    ],
)
def test_a_quantity_is_a_number_or_none(value: object, number: float | None) -> None:
    assert quantity(value) == number


def test_what_lies_below_the_unknown_is_unknown_and_below_text_is_nothing() -> None:
    assert get({"a": UNKNOWN}, "a", "b") is UNKNOWN
    assert get({"a": "text"}, "a", "b") is None
    assert get({"a": None}, "a", default="x") == "x"


@pytest.mark.parametrize(
    ("decisions", "all_of_them"),
    [
        ([True, True], True),
        ([True, UNKNOWN], UNKNOWN),
        ([UNKNOWN, False], False),
        ([], True),
    ],
)
def test_one_certain_no_decides_and_one_unknown_waits(
    decisions: list[Decision], all_of_them: Decision
) -> None:
    assert every(decisions) is all_of_them


_LABELS = {"app": "chat", "tier": "models"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        (None, True),
        (UNKNOWN, UNKNOWN),
        ({"matchLabels": {"app": "chat"}}, True),
        ({"matchLabels": {"app": "chat", "tier": "data"}}, False),
        ({"matchLabels": {"app": UNKNOWN}}, UNKNOWN),
        ({"matchLabels": UNKNOWN}, UNKNOWN),
        ({"matchLabels": {"app": "ui"}, "matchExpressions": UNKNOWN}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["chat"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["ui"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["ui"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "gpu", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": UNKNOWN, "operator": "Exists"}]}, UNKNOWN),
        ({"matchExpressions": [{"key": "app", "operator": UNKNOWN}]}, UNKNOWN),
    ],
)
def test_a_selector_matches_labels_as_the_api_does(selector: object, matches: Decision) -> None:
    assert selects(selector, _LABELS) is matches


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app": "chat"}},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    ],
)
def test_whether_unknown_labels_match_is_unknown(selector: object) -> None:
    assert selects(selector, UNKNOWN) is UNKNOWN


@pytest.mark.parametrize(
    ("urn", "stack"),
    [
        ("urn:pulumi:local::private-ai::kubernetes:core/v1:Pod::x", "local"),
        ("urn:pulumi:local", None),
        ("urn:other:local::x", None),
        ("", None),
    ],
)
def test_a_urn_names_its_stack(urn: str, stack: str | None) -> None:
    assert stack_of(urn) == stack
