"""The text of generated configuration files."""

import json

from hypothesis import given
from hypothesis import strategies as st

from components.common.json_text import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@given(VALUES)
def test_it_reads_back_as_what_it_was(value: object) -> None:
    assert json.loads(json_text(value)) == value


def test_what_fits_into_a_line_is_one_and_the_rest_has_an_item_per_line() -> None:
    jobs = [{"job_name": f"job-{number}" * 20, "scheme": "https"} for number in range(4)]

    assert json_text({"scrape_configs": jobs, "global": {}}) == (
        '{\n "scrape_configs":[\n'
        + ",\n".join(
            f'  {{"job_name":"{f"job-{number}" * 20}","scheme":"https"}}' for number in range(4)
        )
        + '\n ],\n "global":{}\n}'
    )
