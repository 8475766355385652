"""`pai sbom` writes what CycloneDX's own schema takes."""

import json
from typing import Any

import pytest
from jsonschema import validators
from typer.testing import CliRunner

from cli.main import app
from review.sbom.document import SPEC_VERSION
from tests.conformance.peers import cyclonedx
from tests.paths import ROOT

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return cyclonedx.schema(SPEC_VERSION)


def wrong(schema: dict[str, Any], document: Any) -> list[str]:
    errors = validators.validator_for(schema)(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


@pytest.mark.parametrize("stack", STACKS)
def test_the_document_of_every_stack_is_valid(schema: dict[str, Any], stack: str) -> None:
    said = CliRunner().invoke(app, ["sbom", "--stack", stack], env={"SOURCE_DATE_EPOCH": "0"})
    assert said.exit_code == 0, said.output
    document = json.loads(said.stdout)

    assert wrong(schema, document) == []
    del document["components"][0]["name"]
    assert wrong(schema, document)
