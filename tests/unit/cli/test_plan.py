"""`pai plan`, on the project's own stacks and on a broken one."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from catalog.models import WeightDtype, model
from cli.main import app
from cli.stack_file import read_stack
from config.pods import pods
from config.reference import KEY
from tests.paths import ROOT


def run(*arguments: str, status: int = 0) -> str:
    found = CliRunner().invoke(app, ["plan", *arguments], env={"COLUMNS": "140", "TERM": "dumb"})
    assert found.exit_code == status, found.output
    return found.output


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_every_gpu_of_a_stack_is_shown_with_who_sits_on_it(stack: str) -> None:
    raw: Any = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    pools = raw["config"][KEY]["pools"]
    found = json.loads(run("--stack", stack, "--json"))
    seats = [label for row in found["allocations"] for label in row["taken"]]
    assert len(seats) == sum(pool["nodes"] * pool["gpus_per_node"] for pool in pools.values())
    assert found["unplaced"] == []
    asked = sum(each["devices"] * each["replicas"] for each in found["models"])
    assert len([label for label in seats if label]) == asked
    assert set(found) == {
        *("stack", "problems", "models", "allocations", "unplaced", "growth", "candidates"),
        *("advice", "other_nodes"),
    }


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_every_other_pod_of_a_stack_is_shown_on_a_node_that_has_room(stack: str) -> None:
    found = json.loads(run("--stack", stack, "--json"))
    config = read_stack(stack, None)
    asked = {each.name: each.count for each in pods(config) if each.kind == "server"}
    shown: Counter[str] = Counter()
    for node in found["other_nodes"]:
        shown.update(node["pods"])
        assert node["requested"]["pods"] == sum(node["pods"].values())
        for what, amount in node["requested"].items():
            assert 0 < amount <= node["offered"][what]
    others = {name: count for name, count in asked.items() if name not in config.models}
    assert shown == others
    machines = [node.name for node in config.cluster.machines() if not node.group.tainted]
    assert [node["node"] for node in found["other_nodes"]] == machines


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda f: f.stem)
def test_every_example_seats_all_of_its_models(file: Path) -> None:
    found = json.loads(run("--config-file", str(file), "--json"))
    assert found["models"]
    assert found["unplaced"] == []


def test_a_person_sees_seats_bars_and_what_more_would_need() -> None:
    text = run("--stack", "local")
    assert "[chat#1]" in text
    assert "[free]" in text
    assert "█ weights" in text
    assert "1, free" in text
    assert "room for" in text
    assert "with a commit that you name: " in text
    assert "█████░░░░░ 10.6 of 15 cores" in text
    assert "keycloak-db" in text


def test_what_is_recommended_first_can_be_deployed() -> None:
    text = " ".join(run("--stack", "local").split())
    [ready, unpinned] = text.split("room for ")[1].split("; with a commit that you name: ")
    for part, known in ((ready, True), (unpinned, False)):
        named = re.findall(r"([a-z0-9][a-z0-9.-]*) \((\w+)", part)
        assert named
        for key, dtype in named:
            assert bool(model(key).checkpoints[cast("WeightDtype", dtype)].revision) is known


def test_idle_gpus_are_told_of() -> None:
    assert "Advice: pools.l40s.sharing" in run("--stack", "prod")
    [told] = json.loads(run("--stack", "prod", "--json"))["advice"]
    assert told["path"] == "pools.l40s.sharing"


def test_everything_wrong_is_said_at_once_and_nothing_is_drawn(tmp_path: Path) -> None:
    raw: Any = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    stack = raw["config"][KEY]
    stack["models"]["chat"]["pool"] = "nowhere"
    stack["hosts"]["auth"] = stack["hosts"]["ai"]
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(raw), encoding="utf-8")
    text = run("--config-file", str(file), status=1)
    assert "models.chat.pool" in text
    assert "hosts.auth" in text
    assert "█" not in text
    found = json.loads(run("--config-file", str(file), "--json", status=1))
    assert {"models.chat.pool", "hosts.auth"} <= {each["path"] for each in found["problems"]}


def test_a_stack_without_a_file_is_refused_by_name() -> None:
    assert "Pulumi.nowhere.yaml" in run("--stack", "nowhere", status=2)
