"""Advice on settings that work, but slowly, or that a license may forbid."""

from collections.abc import Iterator
from typing import Final

from base.problems import Problem
from base.quantity import parse
from base.units import GB
from catalog.licenses import model_license
from config.checks.nodes import node_advice
from config.checks.seats import seat_advice
from config.settings.models import ModelSettings
from config.stack import StackConfig
from sizing.startup import startup_seconds

SLOW_START_SECONDS: Final = 1800
"""Start time above which advice is given; an assumption: a rollout of two such servers takes more
than an hour, during which one of them is unavailable."""


def advice(config: StackConfig) -> list[Problem]:
    """Every setting of *config* that works, but worse than an alternative."""
    of_models = (
        problem
        for name, model in config.models.items()
        if model.pool in config.pools
        for problem in (*_links(config, name, model), *_start(config, name, model))
    )
    licenses = (
        problem for name, model in config.models.items() for problem in _license(name, model)
    )
    return [*of_models, *licenses, *node_advice(config), *seat_advice(config)]


def _license(name: str, model: ModelSettings) -> Iterator[Problem]:
    license_ = model_license(model.spec.license)
    if license_.may_forbid:
        yield Problem(
            f"models.{name}.model",
            f"{model.model}, under the {license_.key}",
            license_.binds,
            "Read the license on the model's page; choose another model if it is not for you."
            " All of them: docs/reference/licenses.md",
        )


def _links(config: StackConfig, name: str, model: ModelSettings) -> Iterator[Problem]:
    """Tensor parallelism exchanges the result of each layer, pipeline parallelism one per stage."""
    gpu = config.pools[model.pool].spec
    if model.tensor_parallel > 1 and not gpu.nvlink:
        stages = model.tensor_parallel * model.pipeline_parallel
        yield Problem(
            f"models.{name}.tensor_parallel",
            f"{model.tensor_parallel}, on {gpu.key}, whose GPUs have no NVLink",
            "1, with pipeline_parallel for a model that does not fit one GPU: over PCIe the"
            " exchange after each layer takes longer than the layer",
            f"Set tensor_parallel: 1 and pipeline_parallel: {stages}, or measure both.",
        )


def _start(config: StackConfig, name: str, model: ModelSettings) -> Iterator[Problem]:
    rate = int(parse(config.model_store.read_rate))
    seconds = startup_seconds(model.stored_bytes, rate)
    got = f"{seconds} s to load {model.stored_bytes / GB:.0f} GB at {rate / 1e6:.0f} MB/s and start"
    if seconds > SLOW_START_SECONDS:
        yield Problem(
            f"models.{name}",
            got,
            f"at most {SLOW_START_SECONDS} s: the server is unavailable for that long after every"
            " restart",
            "Put the weights on faster storage and raise model_store.read_rate, or quantize them.",
        )
