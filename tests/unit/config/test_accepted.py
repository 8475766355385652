"""Whatever the configuration accepts renders objects that the API server accepts."""

import copy
import json
import runpy
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from base.problems import ConfigError
from components import program
from config.load import load
from config.reference import KEY
from config.settings.keys import (
    LONGEST_MODEL,
    LONGEST_POOL,
    LONGEST_TEAM,
    LONGEST_WITH_ADAPTER,
)
from tests import urns
from tests.api_rules import refused
from tests.examples import examples
from tests.paths import ROOT
from tests.support import Recorded, deploy
from tests.unit.config.changes import accepted, changed

_COMMIT = "0" * 40
pytestmark = pytest.mark.slow


def _yaml(stack: str) -> dict[str, Any]:
    return yaml.safe_load(urns.files()[stack].read_text(encoding="utf-8"))["config"][KEY]


def _rendered(raw: dict[str, Any]) -> Recorded:
    def whole() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(program, "watch", lambda _: None)  # there is no cluster to watch
        return deploy(whole, {KEY: json.dumps(raw)})


def _renamed(raw: dict[str, Any], pool: str, team: str) -> dict[str, Any]:
    """*raw* with all keys as long as they may be: of *pool*, of *team*, and of its models."""
    pools = {name: f"{name}{pool[len(name) :]}" for name in raw["pools"]}
    models = {name: name + "m" * (LONGEST_MODEL - len(name)) for name in raw["models"]}
    for group in raw["cluster"]["nodes"]:
        if "pool" in group:
            group["pool"] = pools[group["pool"]]
    return raw | {
        "pools": {pools[name]: settings for name, settings in raw["pools"].items()},
        "models": {
            models[name]: settings | {"pool": pools[settings["pool"]]}
            for name, settings in raw["models"].items()
        },
        "teams": {team: {"models": list(models.values())}},
        "open_webui": {"default_model": models["chat"]},
    }


@pytest.mark.parametrize("stack", ["engines", "keda", "multi-node"])
def test_the_longest_keys_leave_room_for_what_the_program_appends(stack: str) -> None:
    raw = _renamed(_yaml(stack), "p" * LONGEST_POOL, "t" * LONGEST_TEAM)
    load(raw, stack)

    assert refused(_rendered(raw)) == []


def test_the_longest_names_of_adapters_and_drafts_leave_room_as_well() -> None:
    raw = _yaml("prod")
    files = {"repository": "a/b", "revision": _COMMIT, "size": "1Gi"}
    raw["models"]["chat"]["vllm"] = {
        "adapters": {"a" * (LONGEST_WITH_ADAPTER - len("chat")): files | {"rank": 16}},
        "prefill_replicas": 1,
        "routing": "prefix-aware",
    }
    raw["models"]["chat"]["replicas"] = 1
    draft = "d" * LONGEST_MODEL
    raw["models"][draft] = raw["models"].pop("code") | {
        "vllm": {"speculation": {"method": "eagle", "tokens": 3, "draft": files}}
    }
    raw["teams"] = {"developers": {}}
    load(raw, "prod")

    assert refused(_rendered(raw)) == []


def test_no_name_of_a_set_of_pods_stops_the_program_halfway() -> None:
    """A model called as other pods are is refused, or deployed; never a traceback."""
    raw = _yaml("prod")
    policies = _rendered(raw).of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    names = sorted(p.name.removesuffix("-allow") for p in policies if p.name.endswith("-allow"))
    small = {"model": "bge-m3", "pool": "l40s", "context_tokens": 512}
    taken: set[str] = set()
    for name in names:
        try:
            load({**raw, "models": {**raw["models"], name: small}}, "prod")
        except ConfigError as error:
            taken |= {name} if any(name in p.path for p in error.problems) else set()

    assert {"redis", "chat-weights-fetch", "l40s-dcgm", "qdrant-collections"} <= taken
    assert [name for name in names if name not in taken and name not in raw["models"]] == []


@examples(5)
@given(st.data())
def test_what_is_accepted_renders_what_the_api_server_accepts(data: st.DataObject) -> None:
    raw = _yaml("local")
    for path, value in data.draw(st.lists(accepted(raw), min_size=4, max_size=12)):
        tried = changed(raw, path, value)
        try:
            load(copy.deepcopy(tried), "local")
        except ConfigError:
            continue  # the next change may be taken
        raw = tried
    assume(raw != _yaml("local"))

    assert refused(_rendered(raw)) == []
