"""The reference page and the schema are those of the model."""

import json

from cli.config import PAGE, SCHEMA
from config.reference import KEY, page, schema


def test_the_committed_page_and_schema_are_current() -> None:
    """`make docs` writes them."""
    assert PAGE.read_text() == page()
    assert json.loads(SCHEMA.read_text()) == schema()


def test_every_field_of_every_section_is_described() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    silent = [row for row in rows if row.endswith("|  |")]

    assert len(rows) > 100
    assert silent == []


def test_the_schema_refuses_keys_that_the_model_refuses() -> None:
    stack = schema()["properties"]["config"]["properties"][KEY]

    assert stack["additionalProperties"] is False
    kinds = stack["properties"]["models"]["additionalProperties"]["oneOf"]
    assert [kind["$ref"] for kind in kinds] == [
        "#/$defs/TokenModelSettings",
        "#/$defs/MediaModelSettings",
    ]
    for name in ("TokenModelSettings", "MediaModelSettings"):
        assert schema()["$defs"][name]["additionalProperties"] is False
