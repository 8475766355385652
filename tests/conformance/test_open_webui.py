"""Open WebUI reads what it is given: its sources are asked, since it has no server small enough."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance.generated import STACKS, Generated
from tests.conformance.peers import open_webui

_OTHERS = {
    "HOME": "the C library's, and Python's",
    "PYTHONDONTWRITEBYTECODE": "Python's",
    "SSL_CERT_FILE": "OpenSSL's, and httpx's through it",
    "REQUESTS_CA_BUNDLE": "requests'",
    "AWS_CA_BUNDLE": "boto3's",
    "DO_NOT_TRACK": "a convention of several libraries; the image sets it too",
    "ANONYMIZED_TELEMETRY": "of chromadb, which the image holds and sets it for",
    "SCARF_NO_ANALYTICS": "of unstructured, which the image holds and sets it for",
}
"""Variables for what Open WebUI stands on, whose sources are not asked."""


def _given(container: Mapping[str, Any], generated: Generated) -> set[str]:
    secrets = generated.secret("open-webui")["env"].splitlines()
    return {entry["name"] for entry in container["env"]} | {
        line.partition("=")[0] for line in secrets
    }


@pytest.mark.parametrize("stack", STACKS)
def test_every_variable_that_it_is_given_is_read(
    stacks: Mapping[str, Generated], stack: str
) -> None:
    generated = stacks[stack]
    given = _given(generated.container("open-webui"), generated)

    assert len(given) > 60
    assert given - open_webui.environment() - set(_OTHERS) == set()


def test_no_exception_is_kept_that_it_reads_itself_or_is_not_given(prod: Generated) -> None:
    given = _given(prod.container("open-webui"), prod)

    assert set(_OTHERS) & open_webui.environment() == set()
    assert set(_OTHERS) <= given


def test_the_migration_job_is_given_the_same_and_told_to_migrate(prod: Generated) -> None:
    [job] = [
        inputs
        for (kind, name), inputs in prod.resources.items()
        if kind == "kubernetes:batch/v1:Job" and name.startswith("open-webui")
    ]
    [container] = job["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    served = prod.environment("open-webui")

    assert environment == {**served, "ENABLE_DB_MIGRATIONS": "True"}
    assert served["ENABLE_DB_MIGRATIONS"] == "False"
