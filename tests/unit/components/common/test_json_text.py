"""The text of generated configuration files."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.json_text import json_argument, json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@given(VALUES)
def test_it_reads_back_as_what_it_was(value: object) -> None:
    assert json.loads(json_text(value)) == value


def test_what_fits_into_a_line_is_one_and_the_rest_has_an_item_per_line() -> None:
    jobs = [{"job_name": f"job-{number}", "scheme": "https"} for number in range(4)]

    assert json_text({"scrape_configs": jobs, "global": {}}) == (
        '{\n "scrape_configs": [\n'
        '  {"job_name": "job-0", "scheme": "https"},\n'
        '  {"job_name": "job-1", "scheme": "https"},\n'
        '  {"job_name": "job-2", "scheme": "https"},\n'
        '  {"job_name": "job-3", "scheme": "https"}\n'
        ' ],\n "global": {}\n}'
    )


@pytest.mark.parametrize("value", [{"b": 1, "a": [2, "é"]}, {"$(HOME)": "$$(PATH)"}, []])
def test_an_argument_is_one_line_that_reads_back_whatever_kubernetes_expands(value: Any) -> None:
    argument = json_argument(value)

    assert json.loads(argument) == value
    # Kubernetes expands $(NAME) in arguments, and halves $$.
    assert not {"$", "\n", " "} & set(argument)


def test_the_same_value_is_the_same_argument() -> None:
    assert json_argument({"b": 1, "a": 2}) == json_argument({"a": 2, "b": 1}) == '{"a":2,"b":1}'
