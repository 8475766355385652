"""Everything that is wrong with a stack's YAML is said at once, in four parts."""

import copy
from typing import Any

import pytest
import yaml

from base.problems import ConfigError, Problem
from config.load import load
from config.reference import KEY
from tests.paths import ROOT

STACKS = {
    name: yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"][KEY]
    for name in ("local", "staging", "prod")
}


def problems(**changes: Any) -> list[Problem]:
    """What is wrong with prod once *changes* (dotted path with `__`: value) are made to it."""
    raw = copy.deepcopy(STACKS["prod"])
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = raw
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    with pytest.raises(ConfigError) as refused:
        load(raw, "prod")
    return list(refused.value.problems)


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_of_the_project_are_sound(stack: str) -> None:
    load(STACKS[stack], stack)


def test_a_misspelt_key_is_named_by_its_path_with_the_nearest_right_one() -> None:
    [problem] = problems(qdrant__nodez=3)

    assert problem.path == "qdrant.nodez"
    assert "nodes" in problem.allowed
    assert problem.change == "Rename it to nodes."


def test_problems_of_fields_and_between_fields_come_together() -> None:
    found = problems(
        qdrant__nodez=3,
        models__chat__tensor_parallel=1,
        models__chat__dtype="bf16",
        hosts__auth="ai.entreprise.fr",
    )

    assert {p.path for p in found} == {
        "qdrant.nodez",
        "models.chat.tensor_parallel",
        "hosts.auth",
    }


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (
            {"model": "qwen3-4b", "pool": "h200"},
            Problem(
                "models.chat.context_tokens",
                "nothing",
                "Longest prompt and answer together, tokens; at least 256. Speech and image"
                " models have none.",
                "Add models.chat.context_tokens.",
            ),
        ),
        (
            {"model": "qwen3-4b", "dtype": "fp8", "pool": "h200", "context_tokens": 8192},
            Problem(
                "models.chat.revision",
                "None",
                "the commit of Qwen/Qwen3-4B-FP8 to deploy, 40 hexadecimal digits; none is known",
                "Run: pai models pin qwen3-4b --stack prod",
            ),
        ),
    ],
)
def test_a_field_that_was_left_out_is_named_and_not_the_section_it_is_in(
    model: dict[str, Any], problem: Problem
) -> None:
    assert problems(models__chat=model) == [problem]


def test_a_missing_section_says_what_it_is_for() -> None:
    raw = {key: value for key, value in STACKS["prod"].items() if key != "hosts"}
    with pytest.raises(ConfigError) as refused:
        load(raw, "prod")

    [problem] = refused.value.problems
    assert (problem.path, problem.got, problem.change) == ("hosts", "nothing", "Add hosts.")
    assert problem.allowed == "Public host names."


@pytest.mark.parametrize(
    ("change", "path", "allowed"),
    [
        ({"qdrant__nodes": 0}, "qdrant.nodes", "greater than or equal to 1"),
        ({"models__chat__pool": "h100"}, "models.chat.pool", "h200, l40s"),
        ({"models__chat__replicas": 9}, "pools.h200.nodes", "at most 8"),
        ({"pools__h200__nodes": 2}, "pools.h200.nodes", "at most 1"),
        ({"teams__developers__models": ["chatt"]}, "teams.developers.models", "chat, code"),
        ({"platform__storage_class": "slow"}, "platform.storage_class", "fast-nvme"),
        ({"cluster__operators": ["minio"]}, "cluster.operators", "cloudnative-pg"),
        ({"open_webui__default_model": "embeddings"}, "open_webui.default_model", "chat, code"),
        ({"teams__open-webui": {}}, "teams.open-webui", "any other name"),
        ({"hosts__ai": "not a host"}, "hosts.ai", "a host name such as"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    change: dict[str, Any], path: str, allowed: str
) -> None:
    [problem] = problems(**change)

    assert problem.path == path
    assert allowed in problem.allowed
    assert problem.change


def test_a_model_may_not_take_the_name_of_another_component() -> None:
    [problem] = problems(models__redis=STACKS["prod"]["models"]["reranker"] | {"replicas": 0})[:1]
    assert problem.path == "models.redis.replicas"

    clash = STACKS["prod"]["models"]["reranker"] | {"replicas": 1}
    paths = [p.path for p in problems(models__redis=clash, models__reranker__replicas=1)]
    assert paths == ["models.redis"]


def test_nothing_at_all_is_refused_without_a_crash() -> None:
    with pytest.raises(ConfigError, match="cluster"):
        load({}, "prod")


def test_a_context_of_a_speech_model_is_an_unknown_key() -> None:
    speech = {
        "engine": "speaches",
        "model": "whisper-large-v3",
        "pool": "l40s",
        "revision": "0" * 40,
    }
    [problem] = problems(
        models__dictation={**speech, "context_tokens": 8192}, models__embeddings__replicas=1
    )

    assert problem.path == "models.dictation.context_tokens"
    assert problem.got == "the unknown key 'context_tokens'"
    assert "concurrency" in problem.allowed
    assert problem.change == "Remove it."


def test_a_model_may_be_called_like_the_kind_of_its_settings() -> None:
    raw = {"model": "qwen3-4b", "pool": "h200"}
    found = problems(models__tokens=raw, models__media={**raw, "contxt": 1})

    assert [p.path for p in found] == [
        "models.tokens.context_tokens",
        "models.media.context_tokens",
        "models.media.contxt",
    ]


_SOURCE_SECRET = "Remove user and password, and run: pulumi config set --secret hub-token"


@pytest.mark.parametrize(
    ("setting", "value", "got", "change"),
    [
        (
            "model_store.source.endpoint",
            {"kind": "hub", "endpoint": "https://user:canary@hub.test/api"},
            "'https://…@hub.test/api'",
            _SOURCE_SECRET,
        ),
        (
            "model_store.source.url",
            {"kind": "http", "url": "https://user:ca/nary@mirror.test/weights"},
            "'https://…@mirror.test/weights'",
            _SOURCE_SECRET,
        ),
        (
            "model_store.source.endpoint",
            {"kind": "s3", "endpoint": "https://canary@s3.test", "bucket": "models"},
            "'https://…@s3.test'",
            _SOURCE_SECRET,
        ),
        (
            "model_store.source.registry",
            {"kind": "oci", "registry": "https://user:canary@registry.test"},
            "'https://…@registry.test'",
            _SOURCE_SECRET,
        ),
        (
            "model_store.proxy",
            "http://user:canary@proxy.test:3128",
            "'http://…@proxy.test:3128'",
            "Remove user and password; use a proxy that asks the download Jobs for none.",
        ),
    ],
)
def test_a_url_with_a_password_is_refused_and_the_password_not_shown(
    setting: str, value: Any, got: str, change: str
) -> None:
    """Addresses of sources are arguments of pods, which many may read."""
    key = "model_store__proxy" if isinstance(value, str) else "model_store__source"

    assert problems(**{key: value}) == [
        Problem(setting, got, "a URL without user and password", change)
    ]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("observability__webhook", {"url": "https://user:canary@alerts.test", "cidrs": ["::/0"]}),
        ("model_store__source", {"kind": "http", "url": "https://mirror.test/w?sig=canary"}),
    ],
)
def test_no_message_quotes_the_credentials_of_a_url(setting: str, value: Any) -> None:
    found = problems(**{setting: value})

    assert found
    assert "canary" not in "".join(map(str, found))


def test_digests_that_do_not_fit_into_an_argument_are_refused() -> None:
    digests = {f"model-{number:05}-of-01500.safetensors": "0" * 64 for number in range(1500)}
    [problem] = problems(models__chat__sha256=digests)

    assert problem.path == "models.chat.sha256"
    assert problem.allowed == (
        "at most 100000 bytes of names and digests: they are one argument of a container"
    )
