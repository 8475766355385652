"""`pai explain`: every rule and every key of the settings, and the nearest name otherwise."""

import json

import pytest
from typer.testing import CliRunner, Result

from cli import complete
from cli.main import app
from config.stack import StackConfig
from policies.rules import RULES, STACK_RULES


def pai(*words: str) -> Result:
    return CliRunner().invoke(app, ["explain", *words])


def test_a_key_has_its_type_default_allowed_values_and_meaning() -> None:
    text = pai("models.chat.replicas").stdout.splitlines()

    assert [line.split("  ")[0] for line in text] == [
        *("models.chat.replicas", "type", "default", "allowed")
    ]
    assert "Number of servers." in text[0]
    assert text[1].endswith("whole number")
    assert text[2].endswith(" 1")


def test_a_key_with_keys_below_lists_them() -> None:
    found = json.loads(pai("cluster.nodes", "--json").stdout)

    assert found["required"] is True
    assert {"profile", "count"} <= set(found["keys"])
    assert all(found["keys"].values()), "a key without a meaning"


def test_values_of_the_catalog_and_required_keys_are_told() -> None:
    found = json.loads(pai("models.chat.model", "--json").stdout)

    assert found["required"] is True
    assert "qwen3-4b" in found["allowed"][0]


@pytest.mark.parametrize("key", list(StackConfig.model_fields))
def test_every_section_is_explained(key: str) -> None:
    assert pai(key).stdout.startswith(key)
    assert pai(f"private-ai:stack.{key}").stdout.startswith(f"{key} ")


@pytest.mark.parametrize("rule", [rule.id for rule in (*RULES, *STACK_RULES)])
def test_every_rule_is_explained(rule: str) -> None:
    found = json.loads(pai(rule, "--json").stdout)

    assert found["rule"] == rule
    assert found["requires"]
    assert found["reason"]
    assert found["remedy"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("models.chat.replica", "models.chat.replicas"),
        ("modles.chat.replicas", "models.chat.replicas"),
        ("no-priviliged", "no-privileged"),
        ("platform.namespace", "platform.namespaces"),
        ("cluster.nodes.0.zone", "cluster.nodes.0.zones"),
    ],
)
def test_the_nearest_name_is_given(word: str, meant: str) -> None:
    done = pai(word)

    assert done.exit_code == 2
    assert f"did you mean `pai explain {meant}`?" in done.stderr


@pytest.mark.parametrize(
    "word", ["", ".", "models.", "a.b.c", "models.chat.replicas.x", "…", "[0]"]
)
def test_nonsense_is_refused_and_no_traceback(word: str) -> None:
    done = pai(word)

    assert done.exit_code == 2, done.output
    assert "    change:   " in done.stderr


def test_tab_goes_one_step_further_at_a_time() -> None:
    assert "models" in complete.words("mod")
    assert complete.words("models.chat.repl") == ["models.chat.replicas"]
    assert "no-privileged" in complete.words("no-p")
    assert complete.words("nothing.at.all") == []
