"""Any JSON as a config.json: a size, or problems with a path; never a traceback."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from base.problems import Problem
from catalog.gpus import gpu
from catalog.models import ModelSpec
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.hf_types import TYPES
from sizing.report import report
from sizing.search import SizingRequest, parallelisms
from tests.unit.sizing.architectures import CONFIGS, architecture

pytestmark = pytest.mark.slow

_KEYS = sorted({key for config in CONFIGS.values() for key in config if key[0] != "_"}) + sorted(
    {
        key
        for config in CONFIGS.values()
        for part in ("text_config", "vision_config", "quantization_config")
        if isinstance(config.get(part), dict)
        for key in config[part]
    }
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 200)
    | st.sampled_from([10**9, 10**13, 2**70])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["auto", "float32", "full_attention", "mamba", "moe", "MEM*-", "LLLG", "re:("]
    )
    | st.sampled_from([*TYPES, "modelopt", "compressed-tensors", "fp8", "MIXED_PRECISION"])
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)


def size(config: dict[str, Any]) -> None:
    """Size *config* as `pai size` does."""
    problems: tuple[Problem, ...] = ()
    spec: ModelSpec | None = None
    try:
        spec = model_from_config(config, "mine")
    except ConfigUnreadableError as error:
        problems = error.problems
    assert all(p.path and p.got and p.allowed and p.change for p in problems)
    if spec is None:
        assert problems
        return
    arch = architecture(spec)
    context = min(arch.max_context, 32_768)
    request = SizingRequest(model=spec, dtype=spec.serve_dtype, context_tokens=context)
    card = gpu("h100-80gb")
    ways = parallelisms(arch, card, 1)
    found = report(request, [card], (card, ways[0]) if ways else None)
    assert found.weights_bytes > 0
    assert found.kv_bytes_per_request >= 0


@given(st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=5), _JSON, max_size=30))
def test_any_object_is_sized_or_refused(config: dict[str, Any]) -> None:
    size(config)


@given(st.sampled_from(sorted(CONFIGS)), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_real_file_with_anything_in_it_is_sized_or_refused(
    name: str, data: st.DataObject
) -> None:
    config = copy.deepcopy(CONFIGS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        inner = [config, *(part for part in config.values() if isinstance(part, dict) and part)]
        part = data.draw(st.sampled_from(inner))
        key = data.draw(st.sampled_from(sorted(part)) | st.sampled_from(_KEYS))
        if data.draw(st.booleans()):
            part[key] = data.draw(_JSON)
        else:
            part.pop(key, None)
    size(config)


@pytest.mark.parametrize("name", ["qwen3-8b", "nemotron-3-super-120b", "glm-5.2", "glm-4.5"])
def test_numbers_beyond_all_measure_are_refused_before_they_are_counted_to(name: str) -> None:
    for key, value in CONFIGS[name].items():
        if isinstance(value, int):
            for number in (10**9, 10**12, 10**30):
                size({**CONFIGS[name], key: number})


@pytest.mark.parametrize(
    "index",
    [
        {"metadata": {"total_size": float("nan")}},
        {"metadata": {"total_size": float("inf")}},
        {"metadata": {"total_size": -1}},
        {"metadata": {"total_size": "16"}},
        {"metadata": []},
        {},
    ],
)
def test_an_index_without_a_size_is_as_none(index: dict[str, Any]) -> None:
    spec = model_from_config(CONFIGS["qwen3-8b"], "mine", index)
    assert spec.checkpoints["bf16"].published_bytes is None
