"""The programs that download and verify weights, once for all models."""

import re

import pytest

from components.models.weights_programs import WeightsPrograms, WeightsProgramsArgs
from tests.support import Recorded, deploy, tier

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


@pytest.fixture(scope="module")
def asked() -> Recorded:
    def program() -> None:
        WeightsPrograms("weights-programs", WeightsProgramsArgs(tier=tier("models")))

    return deploy(program)


def test_the_verifier_holds_nothing_of_where_weights_come_from(asked: Recorded) -> None:
    """Every model server rolls when it changes."""
    verifier = set(asked.one(CONFIG_MAP, "weights-programs-verify").inputs["data"])

    assert verifier == {"__init__.py", "files.py", "manifest.py", "verify.py"}


def test_each_program_is_whole(asked: Recorded) -> None:
    verify, fetch = (
        asked.one(CONFIG_MAP, f"weights-programs-{use}").inputs["data"]
        for use in ("verify", "fetch")
    )
    assert not set(verify) & set(fetch)
    for use, modules in (("verify", verify), ("fetch", {**verify, **fetch})):
        lines = [line for text in modules.values() for line in text.splitlines()]
        imported = {f"{m[1]}.py" for line in lines if (m := re.match(r"from \.(\w+) import", line))}

        assert f"{use}.py" in modules
        assert imported
        assert imported <= set(modules)


def test_they_are_in_the_namespace_of_the_model_servers(asked: Recorded) -> None:
    assert {a.inputs["metadata"]["namespace"] for a in asked.of(CONFIG_MAP)} == {"models"}
