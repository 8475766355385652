"""Checks that each model's engine supports its task, types and parallelism."""

from collections.abc import Iterator

from base.problems import Problem
from config.settings.engines import ENGINE_SPECS, Engine, EngineSpec
from config.settings.models import ModelSettings
from config.stack import StackConfig


def engine_problems(config: StackConfig) -> Iterator[Problem]:
    """Every model of *config* that its engine cannot serve."""
    images: list[str] = []
    for name, model in config.models.items():
        path, engine = f"models.{name}", ENGINE_SPECS[model.engine]
        if model.spec.task not in engine.tasks:
            yield _wrong_engine(path, model, engine)
            continue  # further problems would follow from this one
        yield from _weights(path, model, engine)
        yield from _cache(path, model, engine)
        yield from _gpus(path, model, engine)
        if model.engine == "comfyui":
            images.append(name)
    for name in images[1:]:
        yield Problem(
            f"models.{name}.engine",
            "comfyui, a second time",
            f"one image model, which the chat uses; models.{images[0]} is the first",
            f"Remove models.{name} or models.{images[0]}.",
        )


def _wrong_engine(path: str, model: ModelSettings, engine: EngineSpec) -> Problem:
    spec = model.spec
    able = _engines_for(model)
    return Problem(
        f"{path}.engine",
        f"{model.engine} for {spec.key}, a model with task {spec.task}",
        f"a model with task {', '.join(engine.tasks)}: {engine.title} supports no other",
        f"Set engine to {' or '.join(able)}." if able else "Choose another model.",
    )


def _engines_for(model: ModelSettings) -> list[Engine]:
    """The engines that support *model*'s task and type without a custom build."""
    return [
        name
        for name, engine in ENGINE_SPECS.items()
        if model.spec.task in engine.tasks
        and model.served_dtype in engine.dtypes
        and not engine.prepared
    ]


def _weights(path: str, model: ModelSettings, engine: EngineSpec) -> Iterator[Problem]:
    dtype = model.served_dtype
    if dtype in engine.dtypes:
        yield from _files(path, model, engine)
        return
    published = [name for name in model.spec.checkpoints if name in engine.dtypes]
    remedies = [f"dtype: {' or '.join(published)}"] if published else []
    remedies += [f"engine: {' or '.join(able)}"] if (able := _engines_for(model)) else []
    yield Problem(
        f"{path}.dtype",
        f"{dtype}, with engine: {model.engine}",
        f"{', '.join(engine.dtypes)}: {engine.title} supports no other type",
        f"Set {', or '.join(remedies)}." if remedies else "Choose another model.",
    )


def _cache(path: str, model: ModelSettings, engine: EngineSpec) -> Iterator[Problem]:
    if model.kv_cache_dtype not in engine.kv_dtypes:
        yield Problem(
            f"{path}.kv_cache_dtype",
            f"{model.kv_cache_dtype}, with engine: {model.engine}",
            f"{', '.join(engine.kv_dtypes)}: the types of {engine.title}'s KV cache",
            f"Set kv_cache_dtype: {engine.kv_dtypes[-1]}.",
        )


def _gpus(path: str, model: ModelSettings, engine: EngineSpec) -> Iterator[Problem]:
    for field, able in (
        ("tensor_parallel", engine.tensor_parallel),
        ("pipeline_parallel", engine.pipeline_parallel),
    ):
        asked = getattr(model, field)
        if asked > 1 and not able:
            yield Problem(
                f"{path}.{field}",
                f"{asked}, with engine: {model.engine}",
                f"1: {engine.title} {_reach(engine)}",
                f"Set {field}: 1, and replicas for more requests.",
            )


def _reach(engine: EngineSpec) -> str:
    if engine.tensor_parallel:
        return "supports tensor_parallel only"
    if engine.pipeline_parallel:
        return "supports pipeline_parallel only"
    return "runs on one GPU here"


def _files(path: str, model: ModelSettings, engine: EngineSpec) -> Iterator[Problem]:
    if engine.prepared and (model.repository is None or not model.sha256):
        yield Problem(
            f"{path}.repository",
            model.repository or f"nothing, with engine: {model.engine}",
            f"a repository of your own, and its files in {path}.sha256: {engine.prepared}",
            f"Build it, and set repository, revision and sha256; or set engine: {_plainer(model)}.",
        )
    elif _one_file(model.engine) and model.checkpoint.file is None:
        yield Problem(
            f"{path}.repository",
            model.checkpoint.repository,
            f"a repository with a file named in the catalog, since {engine.title} loads one file",
            "Use the catalog's repository, or name the file in catalog/models.yaml.",
        )


def _one_file(engine: Engine) -> bool:
    """Whether *engine* loads a single file, where others load a folder."""
    return engine in ("ollama", "llama-cpp", "comfyui")


def _plainer(model: ModelSettings) -> str:
    return _engines_for(model)[0]
