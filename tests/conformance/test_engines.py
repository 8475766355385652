"""Every engine is started with options and variables that it knows, in prod with all of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings.engines import ENGINE_SPECS, Engine
from tests.conformance.peers import infinity, ollama
from tests.unit.components.models.engines.engines_asked import Served, serve

_DOCUMENTED: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "documented_options.yaml").read_text()
)
_VARIANTS: Mapping[Engine, list[dict[str, Any]]] = {
    "llama-cpp": [
        {"concurrency": 4},
        {"pipeline_parallel": 2, "kv_cache_dtype": "auto"},
        {"model": "llama-3.1-8b", "dtype": "q4_k_m"},
    ],
    "tgi": [{}, {"kv_cache_dtype": "fp8"}, {"model": "qwen2.5-7b", "dtype": "int4"}],
    "triton-vllm": [{"tensor_parallel": 2}],
    "triton-trtllm": [{}],
    "tei": [{}, {"model": "bge-m3"}],
    "comfyui": [{}],
}
"""What makes a difference to the arguments."""

_STARTED = [(engine, given) for engine, many in _VARIANTS.items() for given in many]


def options(served: Served) -> dict[str, str | None]:
    """Its options and what each is set to, whether as one word or as two."""
    found: dict[str, str | None] = {}
    last = ""
    for word in served.engine["args"]:
        if word.startswith("--"):
            last, given, value = word.partition("=")
            found[last] = value if given else None
        else:
            assert last, f"{word} belongs to no option"
            assert found[last] is None, f"{word} is a second value of {last}"
            found[last] = word
    return found


@pytest.mark.parametrize(("engine", "given"), _STARTED)
def test_every_option_is_documented_and_so_is_its_value(
    engine: Engine, given: dict[str, Any]
) -> None:
    documented = _DOCUMENTED[engine]
    told = options(serve(engine, **given))

    assert set(told) <= set(documented["options"].split())
    limited = {name: value for name, value in told.items() if name in documented["values"]}
    for name, value in limited.items():
        assert value in documented["values"][name], f"{name} {value}"


def test_infinity_knows_every_option_value_and_variable() -> None:
    for model in ("bge-m3", "bge-reranker-v2-m3"):
        served = serve("infinity", model=model)
        verb, *words = served.engine["args"]
        told = dict(word.split("=", 1) if "=" in word else (word, "") for word in words)
        own = {name for name in served.environment() if name.startswith("INFINITY_")}

        assert verb == "v2"
        assert set(told) <= infinity.options()
        for option in ("--engine", "--device", "--dtype"):
            assert told[option] in infinity.values(option)
        assert own <= infinity.variables()


def test_ollama_reads_every_variable_that_it_is_given() -> None:
    env = serve("ollama").environment()
    own = {name for name in env if name.startswith("OLLAMA_")}

    assert len(own) > 10
    assert own <= ollama.variables()
    assert env["OLLAMA_KV_CACHE_TYPE"] in ollama.kv_cache_types()


def test_what_is_let_in_to_ollama_is_what_it_answers() -> None:
    nginx = serve("ollama").nginx()

    for path in ("/v1/chat/completions", "/v1/completions", "/v1/models", "/api/version"):
        assert path in ollama.routes()
        assert f"127.0.0.1:11434{path};" in nginx


def test_speaches_reads_every_variable_that_it_is_given() -> None:
    env = serve("speaches").environment()
    of_libraries = ("HF_", "TRANSFORMERS_", "HOME", "DO_NOT_TRACK", "PYTHON")
    own = {name for name in env if not name.startswith(of_libraries)}

    assert own
    assert own <= set(_DOCUMENTED["speaches"]["variables"].split())


def test_no_engine_is_left_out() -> None:
    checked = {*_DOCUMENTED, "infinity", "ollama", "vllm"}

    assert checked == set(ENGINE_SPECS)
