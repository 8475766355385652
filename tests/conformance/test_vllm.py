"""Every model of every stack is started as the deployed vLLM accepts it."""

import json
from collections.abc import Mapping

import pytest

from config.settings.models import token_settings
from tests.conformance.generated import STACKS, Generated, configured
from tests.conformance.peers.vllm import VllmSource

_MODELS = [
    (stack, name)
    for stack in STACKS
    for name, model in configured(stack)["models"].items()
    if model.get("engine", "vllm") == "vllm"
]
_OTHERS = {
    "HOME": "the C library's, and Python's",
    "USER": "Python's getpass",
    "TRANSFORMERS_OFFLINE": "transformers'",
    "HF_HUB_DISABLE_TELEMETRY": "huggingface_hub's",
    "HF_HOME": "huggingface_hub's",
}
"""Variables for what vLLM stands on, whose sources are not asked."""


@pytest.mark.parametrize(("stack", "model"), _MODELS)
def test_its_arguments_and_its_file_are_accepted_with_the_values_meant(
    vllm_source: VllmSource, stacks: Mapping[str, Generated], stack: str, model: str
) -> None:
    generated = stacks[stack]
    settings = token_settings(model, generated.stack.models[model])
    container = generated.container(model)
    verb, *arguments = container["args"]
    file = json.loads(generated.secret(model)["vllm.yaml"])

    assert [*container["command"], verb] == ["vllm", "serve"]
    parsed = vllm_source.parse(arguments, file)
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert parsed["model_tag"].startswith(mounts["weights"] + "/")
    assert parsed["served_model_name"] == [model]
    assert parsed["api_key"] == file["api-key"]
    assert parsed["tensor_parallel_size"] == settings.tensor_parallel
    assert parsed["pipeline_parallel_size"] == settings.pipeline_parallel
    assert parsed["max_model_len"] == settings.context_tokens
    assert parsed["shutdown_timeout"] == settings.drain_seconds
    assert parsed["port"] == container["ports"][0]["containerPort"]
    for name in ("ssl_certfile", "ssl_keyfile"):
        assert parsed[name].startswith(mounts["tls"] + "/")


@pytest.mark.parametrize(("stack", "model"), _MODELS)
def test_its_key_is_in_no_argument_or_variable(
    stacks: Mapping[str, Generated], stack: str, model: str
) -> None:
    generated = stacks[stack]
    [key] = json.loads(generated.secret(model)["vllm.yaml"])["api-key"]

    assert key not in json.dumps(generated.container(model))


def test_every_variable_that_it_is_given_is_read(vllm_source: VllmSource, prod: Generated) -> None:
    given = set(prod.environment("chat"))
    own = {name for name in given if name.startswith("VLLM_")}

    assert own
    assert own <= vllm_source.environment()
    assert {name for name in given - own - set(_OTHERS) if not vllm_source.mentions(name)} == set()
    assert {name for name in _OTHERS if name not in given} == set()
