"""A model gated by a license needs a hub token."""

import copy
from typing import Any

import pytest
import yaml

from base.problems import ConfigError
from config.load import load
from tests.paths import ROOT

STACKS = ROOT


def prod(**chat: Any) -> dict[str, Any]:
    raw = yaml.safe_load((STACKS / "Pulumi.prod.yaml").read_text())["config"]["private-ai:stack"]
    stack = copy.deepcopy(raw)
    stack["models"]["chat"] |= chat
    return stack


def complaints(stack: dict[str, Any], *, token: bool) -> list[str]:
    """What is said about the token; the models may not fit, which is another matter."""
    try:
        load(stack, "prod", hub_token=token)
    except ConfigError as error:
        return [str(p) for p in error.problems if p.path == "private-ai:hub-token"]
    return []


def test_a_gated_model_is_refused_at_preview_without_a_token() -> None:
    [problem] = complaints(prod(dtype="bf16", tensor_parallel=4), token=False)

    assert problem == (
        "private-ai:hub-token\n"
        "    got:      nothing, and models.chat is gated by a license\n"
        "    allowed:  the token of an account that has accepted the license of"
        " meta-llama/Llama-3.3-70B-Instruct\n"
        "    change:   Accept it on the hub, and run: pulumi config set --secret hub-token"
    )


@pytest.mark.parametrize(
    ("changes", "token"),
    [
        ({"dtype": "bf16", "tensor_parallel": 4}, True),  # there is a token
        ({"dtype": "fp8"}, False),  # another organization's copy, open to everyone
    ],
)
def test_what_the_hub_gives_is_not_complained_about(changes: dict[str, Any], token: bool) -> None:
    assert complaints(prod(**changes), token=token) == []


def test_a_mirror_may_give_everything_to_everyone() -> None:
    stack = prod(dtype="bf16", tensor_parallel=4)
    stack["model_store"]["source"] = {"kind": "hub", "endpoint": "https://mirror.test"}

    assert complaints(stack, token=False) == []
