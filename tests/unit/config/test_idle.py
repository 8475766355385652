"""GPUs that their models leave nearly empty, and what sharing them would free."""

import copy
import re
from typing import Any

import pytest
import yaml

from base.problems import Problem
from config.checks.idle import idle
from config.load import load
from config.reference import KEY
from tests import urns

PROD = yaml.safe_load(urns.files()["prod"].read_text())["config"][KEY]


def told(raw: dict[str, Any]) -> list[Problem]:
    return list(idle(load(raw, "prod")))


def prod(**models: dict[str, Any]) -> dict[str, Any]:
    """Prod with *models* on its L40S instead of its own."""
    raw = copy.deepcopy(PROD)
    for name in ("embeddings", "reranker"):
        del raw["models"][name]
    raw["models"] |= {name: {"pool": "l40s"} | settings for name, settings in models.items()}
    raw["teams"] = {"everyone": {}}
    return raw


def small(replicas: int = 1, model: str = "bge-m3") -> dict[str, Any]:
    return {"model": model, "context_tokens": 8192, "concurrency": 4, "replicas": replicas}


def test_four_cards_for_two_small_models_are_told_of() -> None:
    assert told(PROD) == [
        Problem(
            "pools.l40s.sharing",
            "exclusive: 4 GPUs, of whose memory their models need at most 8% each (embeddings,"
            " reranker)",
            "{mode: mps, clients: 4}: as many servers on 1, which frees 3 for other models",
            "Set it, and gpu_memory_utilization: 0.23 of these models; or leave each its own for"
            " its speed, or so that the loss of one GPU stops one server.",
        )
    ]


@pytest.mark.parametrize("stack", sorted(urns.files()))
def test_whoever_follows_the_advice_is_accepted_and_told_no_more(stack: str) -> None:
    raw = yaml.safe_load(urns.files()[stack].read_text())["config"][KEY]
    for each in idle(load(raw, stack)):
        pool = each.path.split(".")[1]
        [sharing] = re.findall(r"^{.*?}", each.allowed)
        [share] = re.findall(r"gpu_memory_utilization: ([0-9.]+)", each.change)
        raw["pools"][pool]["sharing"] = yaml.safe_load(sharing)
        for model in raw["models"].values():
            if model["pool"] == pool:
                model["gpu_memory_utilization"] = float(share)

    assert list(idle(load(raw, stack))) == []


def test_as_few_clients_as_free_as_many_gpus() -> None:
    """Five servers on four cards do not fit; three take one card, as three clients."""
    [three] = told(prod(embeddings=small(3)))
    assert three.allowed.startswith("{mode: mps, clients: 3}: as many servers on 1, which frees 2")


def test_a_model_that_fills_its_card_keeps_the_pool_exclusive() -> None:
    """The GPUs of a pool are shared all alike."""
    large = {"model": "qwen2.5-7b", "context_tokens": 16384, "concurrency": 8}
    assert told(prod(embeddings=small(2), desk=large)) == []


def test_a_card_that_is_more_than_a_quarter_full_is_not_idle() -> None:
    """Two such servers would fit on one card; but this is no longer a card that does nothing."""
    some = {"model": "qwen3-4b", "context_tokens": 8192, "concurrency": 3}
    assert told(prod(embeddings=small(), desk=some)) == []


def test_a_single_server_frees_nothing() -> None:
    assert told(prod(embeddings=small())) == []


def test_a_model_over_several_cards_is_none_that_shares_one() -> None:
    wide = small() | {"model": "qwen3-4b", "pipeline_parallel": 2, "concurrency": 1}
    assert told(prod(embeddings=small(2), desk=wide)) == []


def test_a_pool_that_allocates_by_claims_is_never_told_to_share() -> None:
    raw = copy.deepcopy(PROD)
    raw["pools"]["l40s"]["allocation"] = "dra"
    assert told(raw) == []
