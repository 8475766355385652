"""The whole program on mocks: prod as it reads, with the pack over it."""

import json
import re
import runpy
from typing import Any

import pulumi
import pytest
import yaml

from base.problems import ConfigError
from components import program
from config.load import load
from config.reference import KEY
from tests.paths import ROOT
from tests.support import Asked, Recorded, deploy

pytestmark = pytest.mark.slow

MIRROR = "mirror.test/ai"
SECRET = "kubernetes:core/v1:Secret"


def run(stack: str, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Recorded:
    """The program on *stack*'s own YAML, with top-level sections replaced by *changes*."""
    monkeypatch.setattr(program, "watch", lambda _: None)  # there is no cluster to look at
    raw = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"][KEY] | changes

    def whole() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    return deploy(whole, {KEY: json.dumps(raw)})


@pytest.fixture(scope="module")
def prod() -> Recorded:
    """Prod, but with its images from a mirror."""
    raw = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"][KEY]
    with pytest.MonkeyPatch.context() as patched:
        return run("prod", patched, platform=raw["platform"] | {"registry_prefix": MIRROR})


def objects(asked: Recorded) -> list[Asked]:
    return [a for a in asked.values() if a.type.startswith("kubernetes:")]


def test_the_main_program_is_short_enough_to_read_as_a_diagram() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 80


def test_every_resource_is_inside_a_component_and_on_the_one_provider(prod: Recorded) -> None:
    providers = [a for a in prod.values() if a.type == "pulumi:providers:kubernetes"]
    stray = [a.name for a in objects(prod) if "private-ai:index:" not in a.parent]

    assert [p.name for p in providers] == ["cluster"]
    assert providers[0].inputs["clusterIdentifier"] == "private-ai-prod"
    assert stray == []


def test_no_secret_is_in_anything_but_a_secret_or_marked(prod: Recorded) -> None:
    leaks = [
        f"{a.type} {a.name}.{key}"
        for a in prod.values()
        for key, value in a.inputs.items()
        if "canary" in json.dumps(value, default=str) and key not in a.secrets
    ]
    outside = [
        a.name for a in objects(prod) if a.secrets and a.type not in (SECRET, SECRET + "Patch")
    ]

    assert leaks == []
    assert outside == []


def test_every_image_goes_through_the_registry_prefix(prod: Recorded) -> None:
    text = json.dumps([a.inputs for a in objects(prod)], default=str)
    images = set(re.findall(r'"image(?:Name)?": "([^"]+)"', text))

    assert len(images) > 12
    assert [i for i in images if not i.startswith(f"{MIRROR}/")] == []


def test_consumers_read_outputs_of_what_they_need(prod: Recorded) -> None:
    gateway = prod.one("kubernetes:apps/v1:Deployment", "kong")
    config = prod.one(SECRET, "kong")

    assert any(urn.endswith("Secret::kong") for urn in gateway.depends_on)
    for needed in ("Deployment::router", "Deployment::open-webui", "Deployment::keycloak"):
        assert any(urn.endswith(needed) for urn in config.depends_on), needed


def test_no_model_may_be_called_as_a_component_is(prod: Recorded) -> None:
    raw = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"][KEY]
    components = [a for a in prod.values() if a.type.startswith("private-ai:")]
    ours = {a.name for a in components if "private-ai:index:" not in a.parent}
    ours -= {name for model in raw["models"] for name in (model, f"{model}-weights")}
    raw["models"] |= dict.fromkeys(ours, raw["models"]["chat"])

    with pytest.raises(ConfigError) as refused:
        load(raw, "prod")

    taken = {p.got for p in refused.value.problems if p.change == "Rename the model."}
    assert taken == ours
    assert len(ours) > 10


def test_no_model_may_be_called_as_a_part_of_another_is(prod: Recorded) -> None:
    """What has the kind of something called `code`, and is called `code-…`."""
    kinds = {a.type for a in prod.values() if a.name == "code"}
    parts = {a.name for a in prod.values() if a.type in kinds and a.name.startswith("code-")}
    assert {"code-members", "code-weights"} <= parts

    raw = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"][KEY]
    raw["models"] |= dict.fromkeys(parts, raw["models"]["code"])
    with pytest.raises(ConfigError) as refused:
        load(raw, "prod")

    told = [p for p in refused.value.problems if p.change == "Rename the model."]
    assert {p.got for p in told} == parts
    assert str(told[0]) == (
        "models.code-members\n"
        "    got:      code-members\n"
        "    allowed:  a name that no part of code has: not code- and one of members, tls,"
        " weights, picker, prefill, autoscaler, weights-fetch, servers, dcgm\n"
        "    change:   Rename the model."
    )


def test_without_models_for_it_the_chat_has_neither_voice_nor_pictures(prod: Recorded) -> None:
    pod = prod.one("kubernetes:apps/v1:Deployment", "open-webui").inputs["spec"]
    [container] = pod["template"]["spec"]["containers"]
    given = {entry["name"] for entry in container["env"]}

    assert not [name for name in given if name.startswith(("AUDIO_", "COMFYUI_", "IMAGE_"))]


def test_what_holds_data_is_protected(prod: Recorded) -> None:
    data = {"StatefulSet", "Tenant", "Cluster", "PersistentVolumeClaim", "Namespace"}

    assert data <= {a.type.rsplit(":", 1)[-1] for a in objects(prod) if a.protect}


def test_a_stack_that_is_wrong_stops_before_anything_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(pulumi.RunError, match=r"hosts\.ai"):
        run("prod", monkeypatch, hosts={"ai": "x", "auth": "a.test", "monitoring": "m.test"})
