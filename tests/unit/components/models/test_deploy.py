"""A stack whose models are served by every engine there is."""

import json
import runpy
from typing import Any

import pulumi
import pytest

from components import program
from components.models.deploy import ENGINES
from config.reference import KEY
from policies import RULES, Level, Resource, check, facts
from policies.adapter import kind_of
from tests.paths import ROOT
from tests.support import Recorded, deploy, openings
from tests.unit.components.models.engines.engine_stacks import COMMIT, stack
from tests.unit.components.models.engines.engines_asked import OTHERS, SETTINGS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def warnings() -> list[str]:
    """What the program has warned of."""
    return []


@pytest.fixture(scope="module")
def everything(warnings: list[str]) -> Recorded:
    """The whole program with one model of every engine beside prod's, called as the engine."""
    models = {
        engine: {"engine": engine, "revision": COMMIT, **SETTINGS[engine]} for engine in OTHERS
    }
    voice = {"engine": "speaches", "model": "piper-fr-siwis-medium", "revision": COMMIT}

    def whole() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    def warn(message: str, **_: object) -> None:
        warnings.append(message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(program, "watch", lambda _: None)  # there is no cluster to look at
        patched.setattr(pulumi, "warn", warn)
        return deploy(whole, {KEY: json.dumps(stack(**models, voice=voice))})


def model_list(asked: Recorded) -> dict[str, dict[str, Any]]:
    """What the router routes to, by the name that users ask for."""
    config = asked.one("kubernetes:core/v1:Secret", "router").inputs["stringData"]["config.yaml"]
    return {entry["model_name"]: entry for entry in json.loads(config)["model_list"]}


def test_each_model_is_served_by_the_engine_that_its_one_word_names(everything: Recorded) -> None:
    for engine in OTHERS:
        kind = f"private-ai:index:{ENGINES[engine].__name__}"
        assert everything.one(kind, engine)


def test_the_router_asks_every_model_but_the_one_that_speaks_no_openai(
    everything: Recorded,
) -> None:
    listed = model_list(everything)

    assert set(OTHERS) - set(listed) == {"comfyui"}
    assert listed["ollama"]["litellm_params"]["model"] == "openai/ollama"
    assert listed["tei"]["litellm_params"]["model"] == "huggingface/tei"
    assert listed["triton-trtllm"]["litellm_params"]["model"] == "openai/ensemble"
    assert listed["speaches"]["model_info"] == {"mode": "audio_transcription"}
    assert listed["tei"]["litellm_params"]["api_base"] == ("https://tei.llm-production.svc:8443/v1")


def test_prometheus_reads_the_engines_that_have_metrics_and_no_others(
    everything: Recorded,
) -> None:
    names = set(openings(everything))
    read = {engine for engine in OTHERS if f"{engine}-from-prometheus" in names}

    assert read == {"llama-cpp", "tgi", "triton-vllm", "triton-trtllm", "infinity", "tei"}


def test_the_chat_dictates_reads_aloud_and_makes_images_with_the_stacks_own(
    everything: Recorded,
) -> None:
    pod = everything.one("kubernetes:apps/v1:Deployment", "open-webui").inputs["spec"]
    [container] = pod["template"]["spec"]["containers"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    secret = everything.one("kubernetes:core/v1:Secret", "open-webui").inputs["stringData"]["env"]
    names = set(openings(everything))

    assert (env["AUDIO_STT_ENGINE"], env["AUDIO_STT_MODEL"]) == ("openai", "speaches")
    assert (env["AUDIO_TTS_ENGINE"], env["AUDIO_TTS_MODEL"]) == ("openai", "voice")
    assert env["IMAGE_GENERATION_ENGINE"] == "comfyui"
    assert env["COMFYUI_BASE_URL"] == "https://comfyui.llm-production.svc:8443"
    assert env["IMAGE_GENERATION_MODEL"] == "sd_xl_base_1.0.safetensors"
    assert "COMFYUI_API_KEY=" in secret
    assert "comfyui-from-open-webui" in names
    assert "comfyui-from-router" not in names


def test_the_graph_that_makes_an_image_has_every_input_that_a_request_fills_in(
    everything: Recorded,
) -> None:
    pod = everything.one("kubernetes:apps/v1:Deployment", "open-webui").inputs["spec"]
    [container] = pod["template"]["spec"]["containers"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    graph = json.loads(env["COMFYUI_WORKFLOW"])

    for node in json.loads(env["COMFYUI_WORKFLOW_NODES"]):
        for node_id in node["node_ids"]:
            assert node["key"] in graph[node_id]["inputs"]


def test_an_engine_in_maintenance_is_warned_of(everything: Recorded, warnings: list[str]) -> None:
    assert everything
    [warning] = warnings
    assert warning == (
        "models.tgi.engine: Text Generation Inference is in maintenance mode: its authors accept"
        " small fixes only, and recommend vLLM or SGLang for new deployments (its README)."
        " Prefer engine: vllm."
    )


def test_the_policies_find_nothing_in_any_engine_that_they_do_not_find_in_vllm(
    everything: Recorded,
) -> None:
    known = facts.of_file(ROOT / "Pulumi.prod.yaml")
    found = [
        Resource(kind, asked.inputs, f"{asked.type}::{asked.name}", facts=known)
        for asked in everything.values()
        if (kind := kind_of(asked.type))
    ]
    of_vllm = {
        f.rule
        for f in check([r for r in found if r.urn.endswith("Deployment::chat")], stack_rules=())
    }
    mandatory = {rule.id for rule in RULES if rule.level is not Level.ADVISORY}

    for engine in OTHERS:
        own = [r for r in found if r.urn.endswith(f"::{engine}") or f"::{engine}-" in r.urn]
        findings = {finding.rule for finding in check(own, stack_rules=())}
        assert len(own) > 5
        assert findings & mandatory == set()
        assert findings <= of_vllm
