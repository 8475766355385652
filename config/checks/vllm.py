"""Checks of combinations that vLLM does not support, and of the requirements of its options.

Where a rule is vLLM's own, the comment names the place in the source of its wheel, 0.33.0.
`catalog/images.yaml` has the version that is deployed.
"""

from collections.abc import Iterator

from base.problems import Problem
from catalog.images import image_spec
from config.settings.models import ModelSettings, TokenModelSettings
from config.stack import StackConfig

_POOLING_FIELDS = frozenset({"quantization", "max_batched_tokens", "data_parallel"})
"""Options that also apply to embedding and reranking models."""

_NEEDED = (0, 18, 0)
"""First version with `--shutdown-timeout`, which every server gets; older ones abort requests when
they stop."""
_OFFLOAD_NEEDED = (0, 22, 0)
"""First version with the connector behind `--kv-offloading-size`."""


def vllm_problems(config: StackConfig) -> Iterator[Problem]:
    """Every problem with the vLLM options of the models of *config*."""
    version = deployed_version()
    if version < _NEEDED:
        yield _too_old(
            "catalog/images.yaml: vllm", version, _NEEDED, "which drains requests when it stops"
        )
    taken = set(config.models)
    for name, model in config.models.items():
        path = f"models.{name}"
        if model.engine != "vllm":
            yield from _is_for_vllm(path, model)
            continue
        if not isinstance(model, TokenModelSettings):
            continue  # reported by config.checks.engines
        yield from _generation(path, model)
        yield from _batching(path, model)
        yield from _quantization(path, model)
        yield from _speculation(path, model)
        yield from _rope_scaling(path, model)
        yield from _experts(path, model)
        yield from _offloading(path, model, version)
        yield from _prefill(path, model)
        yield from _routing(path, model)
        yield from _media(path, model)
        for adapter in model.vllm.adapters:
            if adapter in taken:
                yield Problem(
                    f"{path}.vllm.adapters",
                    adapter,
                    "a name that no other model or adapter has: it is a served name",
                    "Rename the adapter.",
                )
            taken.add(adapter)


def deployed_version() -> tuple[int, int, int]:
    """The version of vLLM's image: major, minor, patch."""
    tag = image_spec("vllm").tag.removeprefix("v").partition("-")[0]
    major, minor, patch = (int(part) for part in tag.split("."))
    return major, minor, patch


def _too_old(path: str, version: tuple[int, ...], needed: tuple[int, ...], what: str) -> Problem:
    return Problem(
        path,
        f"vLLM {_dotted(version)}",
        f"vLLM {_dotted(needed)} or newer, {what}",
        "Name a newer image in catalog/images.yaml.",
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _is_for_vllm(path: str, model: ModelSettings) -> Iterator[Problem]:
    for field in ("vllm", "autoscaling"):
        if field in model.model_fields_set:
            yield Problem(
                f"{path}.{field}",
                f"set, with engine: {model.engine}",
                "nothing: only vLLM reads it",
                f"Remove {field}, or set engine: vllm.",
            )


def _generation(path: str, model: ModelSettings) -> Iterator[Problem]:
    if model.task == "chat":
        return
    for field in sorted(model.vllm.model_fields_set - _POOLING_FIELDS):
        yield Problem(
            f"{path}.vllm.{field}",
            f"set for {model.spec.key}, which does not generate text",
            f"only {', '.join(sorted(_POOLING_FIELDS))} for an embedding or reranking model",
            f"Remove {field}.",
        )


def _batching(path: str, model: TokenModelSettings) -> Iterator[Problem]:
    tokens = model.vllm.max_batched_tokens
    if tokens is not None and tokens < model.max_sequences:
        # vllm/config/scheduler.py, _verify_max_model_len
        yield Problem(
            f"{path}.vllm.max_batched_tokens",
            str(tokens),
            f"at least max_sequences, {model.max_sequences}: a step generates a token per request",
            "Raise it, or lower max_sequences.",
        )
    if not model.vllm.chunked_prefill and (tokens or 0) < model.context_tokens:
        yield Problem(
            f"{path}.vllm.chunked_prefill",
            f"false, with max_batched_tokens {tokens or 'not set'}",
            f"max_batched_tokens of context_tokens, {model.context_tokens}, or more: without it a"
            " prompt is prefilled in one step",
            f"Set max_batched_tokens: {model.context_tokens}, or leave chunked_prefill on.",
        )


def _quantization(path: str, model: ModelSettings) -> Iterator[Problem]:
    if model.vllm.quantization and model.served_dtype not in ("bf16", "fp16"):
        yield Problem(
            f"{path}.vllm.quantization",
            f"{model.vllm.quantization} over {model.served_dtype} weights",
            "16-bit weights: these are already quantized, which vLLM detects itself",
            "Remove it.",
        )


def _speculation(path: str, model: ModelSettings) -> Iterator[Problem]:
    speculation = model.vllm.speculation
    if speculation and speculation.method == "eagle3" and model.pipeline_parallel > 1:
        # vllm/v1/worker/gpu/spec_decode/eagle/eagle3_utils.py; few model classes support it
        yield Problem(
            f"{path}.vllm.speculation.method",
            f"eagle3 with pipeline_parallel {model.pipeline_parallel}",
            "eagle3 with pipeline_parallel 1: it needs hidden states from other stages, which vLLM"
            " passes on for few model classes only",
            "Use tensor_parallel alone, or method ngram, mtp or draft_model.",
        )


def _rope_scaling(path: str, model: ModelSettings) -> Iterator[Problem]:
    scaling = model.vllm.rope_scaling
    if scaling and model.spec.family == "multimodal":
        # vllm/config/model.py, _apply_dict_overrides: of the outer config only
        yield Problem(
            f"{path}.vllm.rope_scaling",
            f"set for {model.spec.key}, whose text model has a separate configuration",
            "a text-only model: vLLM overrides the outer configuration only",
            "Remove it.",
        )


def _experts(path: str, model: ModelSettings) -> Iterator[Problem]:
    dense = model.spec.family != "moe"
    if dense and model.vllm.data_parallel > 1:
        # vllm/engine/arg_utils.py: external load balancing of a dense model is refused
        yield Problem(
            f"{path}.vllm.data_parallel",
            f"{model.vllm.data_parallel} for {model.spec.key}, which is not a mixture-of-experts"
            " model",
            "1: the ranks of a dense model share nothing",
            f"Remove it, and set replicas: {model.vllm.data_parallel * model.replicas}.",
        )
    if dense and model.vllm.expert_parallel:
        yield Problem(
            f"{path}.vllm.expert_parallel",
            f"true for {model.spec.key}, which is not a mixture-of-experts model",
            "false: there are no experts to distribute",
            "Remove it.",
        )


def _offloading(
    path: str, model: ModelSettings, version: tuple[int, int, int]
) -> Iterator[Problem]:
    if model.vllm.kv_offload is None:
        return
    if version < _OFFLOAD_NEEDED:
        yield _too_old(
            f"{path}.vllm.kv_offload",
            version,
            _OFFLOAD_NEEDED,
            "which offloads KV cache to host memory",
        )
    if not model.vllm.prefix_caching:
        yield Problem(
            f"{path}.vllm.kv_offload",
            "set, with prefix_caching false",
            "prefix_caching true: offloaded KV cache is found by its prefix",
            "Leave prefix_caching on, or remove kv_offload.",
        )
    if model.vllm.prefill_replicas:
        # vllm/config/vllm.py, _post_init_kv_transfer_config: there is one connector
        yield Problem(
            f"{path}.vllm.kv_offload",
            f"set, with prefill_replicas {model.vllm.prefill_replicas}",
            "one of the two: a server has one connector for its KV cache",
            "Remove kv_offload or prefill_replicas.",
        )


def _prefill(path: str, model: ModelSettings) -> Iterator[Problem]:
    if not model.vllm.prefill_replicas:
        return
    got = f"{model.vllm.prefill_replicas} prefill servers"
    path = f"{path}.vllm.prefill_replicas"
    if model.vllm.routing != "prefix-aware":
        yield Problem(
            path,
            f"{got}, with routing {model.vllm.routing}",
            "routing prefix-aware: its endpoint picker pairs prefill and decode servers",
            "Set routing: prefix-aware.",
        )
    if model.pipeline_parallel > 1:
        # vllm/distributed/kv_transfer/kv_connector/v1/nixl/base_worker.py
        yield Problem(
            path,
            f"{got}, with pipeline_parallel {model.pipeline_parallel}",
            "pipeline_parallel 1: a decode server receives the KV cache of all layers",
            "Use tensor_parallel alone, or set prefill_replicas: 0.",
        )
    if model.autoscaling:
        yield Problem(
            path,
            f"{got}, with autoscaling",
            "replicas: the autoscaler cannot distinguish requests that wait for prefill from those"
            " that wait for decode",
            "Set replicas instead of autoscaling, or prefill_replicas: 0.",
        )


def _routing(path: str, model: ModelSettings) -> Iterator[Problem]:
    if model.vllm.routing != "prefix-aware":
        return
    if model.max_replicas == 1:
        yield Problem(
            f"{path}.vllm.routing",
            "prefix-aware, with one server",
            "two servers or more: with one there is no choice",
            "Raise replicas, or remove routing.",
        )
    if not model.vllm.prefix_caching:
        yield Problem(
            f"{path}.vllm.routing",
            "prefix-aware, with prefix_caching false",
            "prefix_caching true: without it no server has a prefix cached",
            "Leave prefix_caching on, or remove routing.",
        )


def _media(path: str, model: ModelSettings) -> Iterator[Problem]:
    if model.vllm.media and model.spec.family != "multimodal":
        yield Problem(
            f"{path}.vllm.media",
            f"set for {model.spec.key}, a text-only model",
            "nothing: it fetches no images",
            "Remove it.",
        )
