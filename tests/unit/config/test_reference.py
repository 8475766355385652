"""The reference page and the schema are those of the model."""

import json

import jsonschema
import pytest
import yaml

from base.quantity import Resources
from catalog.gpus import gpus
from catalog.models import models
from cli.config import PAGE, SCHEMA
from config.reference import KEY, page, schema
from config.settings.keys import LONGEST_TEAM
from tests import urns


def test_the_committed_page_and_schema_are_current() -> None:
    """`make docs` writes them."""
    assert PAGE.read_text() == page()
    assert json.loads(SCHEMA.read_text()) == schema()


def test_every_field_of_every_section_is_described() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    silent = [row for row in rows if row.endswith("|  |")]

    assert len(rows) > 100
    assert silent == []


def test_every_default_of_resources_is_written_out_as_it_is_written_in_yaml() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in page().splitlines()
        if "| Resources |" in line
    ]

    assert len(rows) > 10
    for _, key, _, default, *_ in rows:
        if default != "required":
            assert Resources.model_validate(yaml.safe_load(default.strip("`"))), key


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


@pytest.mark.parametrize("stack", urns.files())
def test_the_schema_takes_what_the_model_takes(stack: str) -> None:
    jsonschema.validate(yaml.safe_load(urns.files()[stack].read_text(encoding="utf-8")), schema())


def test_an_editor_completes_the_keys_of_the_catalog_and_refuses_a_name_of_another_form() -> None:
    definitions = schema()["$defs"]
    stack = schema()["properties"]["config"]["properties"][KEY]["properties"]

    for kind in ("TokenModelSettings", "MediaModelSettings"):
        assert definitions[kind]["properties"]["model"]["enum"] == [*models()]
        assert definitions[kind]["properties"]["pool"]["examples"]
    assert definitions["GpuPoolSettings"]["properties"]["gpu"]["enum"] == [*gpus()]
    assert stack["teams"]["propertyNames"]["maxLength"] == LONGEST_TEAM
    assert "patternProperties" not in json.dumps(schema())
