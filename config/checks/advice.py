"""What a stack may do, and its owner should hear of before it does: slow, but not wrong."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from base.problems import Problem
from base.quantity import parse
from sizing.startup import startup_seconds

if TYPE_CHECKING:
    from config.settings.models import ModelSettings
    from config.stack import StackConfig

PATIENCE_SECONDS: Final = 1800
"""A start that outlasts this is told of; an assumption: a rollout of two such servers takes more
than an hour, in which one of them is missing."""


def advice(config: "StackConfig") -> list[Problem]:
    """Everything about *config* that works, though worse than it could."""
    return [
        problem
        for name, model in config.models.items()
        if model.pool in config.pools
        for problem in (*_links(config, name, model), *_start(config, name, model))
    ]


def _links(config: "StackConfig", name: str, model: "ModelSettings") -> Iterator[Problem]:
    """Tensor parallelism exchanges every layer's result, pipeline parallelism one a stage."""
    gpu = config.pools[model.pool].spec
    if model.tensor_parallel > 1 and not gpu.nvlink:
        stages = model.tensor_parallel * model.pipeline_parallel
        yield Problem(
            f"models.{name}.tensor_parallel",
            f"{model.tensor_parallel}, on {gpu.key}, whose GPUs have no NVLink",
            "1, with pipeline_parallel for what one GPU cannot hold: over PCIe the exchange after"
            " each layer takes longer than the layer",
            f"Set tensor_parallel: 1 and pipeline_parallel: {stages}, or measure both.",
        )


def _start(config: "StackConfig", name: str, model: "ModelSettings") -> Iterator[Problem]:
    rate = int(parse(config.model_store.read_rate))
    seconds = startup_seconds(model.stored_bytes, rate)
    got = (
        f"{seconds} s to read {model.stored_bytes / 1e9:.0f} GB at {rate / 1e6:.0f} MB/s and start"
    )
    if seconds > PATIENCE_SECONDS:
        yield Problem(
            f"models.{name}",
            got,
            f"at most {PATIENCE_SECONDS} s: for so long after each restart the server is missing",
            "Put the weights on faster storage and raise model_store.read_rate, or quantize them.",
        )
