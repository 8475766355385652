"""What vLLM cannot do together, and what its options need around them.

Where a rule is vLLM's own, the comment names the place in the source of its wheel, 0.33.0; the rest
are ours. `catalog/images.yaml` says which version is deployed.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from base.problems import Problem
from catalog.images import image_spec

if TYPE_CHECKING:
    from config.settings.models import ModelSettings
    from config.stack import StackConfig

_WRITES_NOT = frozenset({"quantization", "max_batched_tokens", "data_parallel"})
"""What a model that turns text into numbers can be told as well."""

_NEEDED = (0, 18, 0)
"""`--shutdown-timeout`, which every server gets; older ones cut answers off when they stop."""
_OFFLOAD_NEEDED = (0, 22, 0)
"""The connector behind `--kv-offloading-size`."""


def vllm_problems(config: "StackConfig") -> Iterator[Problem]:
    """Everything wrong with how the models of *config* are served by vLLM."""
    version = deployed_version()
    if version < _NEEDED:
        yield _too_old("catalog/images.yaml: vllm", version, _NEEDED, "vLLM drains its requests")
    taken = set(config.models)
    for name, model in config.models.items():
        path = f"models.{name}"
        if model.engine != "vllm":
            yield from _is_for_vllm(path, model)
            continue
        yield from _writes(path, model)
        yield from _batches(path, model)
        yield from _quantizes(path, model)
        yield from _guesses(path, model)
        yield from _stretches(path, model)
        yield from _shares_experts(path, model)
        yield from _offloads(path, model, version)
        yield from _splits_prefill(path, model)
        yield from _routes(path, model)
        yield from _fetches_media(path, model)
        for adapter in model.vllm.adapters:
            if adapter in taken:
                yield Problem(
                    f"{path}.vllm.adapters",
                    adapter,
                    "a name that no other model or adapter has: users ask for it by this name",
                    "Call the adapter otherwise.",
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
        f"vLLM {_dotted(needed)} or newer, from which on {what}",
        "Name a newer image in catalog/images.yaml.",
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _is_for_vllm(path: str, model: "ModelSettings") -> Iterator[Problem]:
    for field in ("vllm", "autoscaling"):
        if field in model.model_fields_set:
            yield Problem(
                f"{path}.{field}",
                f"a section for vLLM, while engine is {model.engine}",
                "nothing: no other engine reads it",
                f"Remove {field}, or set engine: vllm.",
            )


def _writes(path: str, model: "ModelSettings") -> Iterator[Problem]:
    if model.task == "chat":
        return
    for field in sorted(model.vllm.model_fields_set - _WRITES_NOT):
        yield Problem(
            f"{path}.vllm.{field}",
            f"set for {model.spec.key}, which writes no text",
            f"only {', '.join(sorted(_WRITES_NOT))} for a model that embeds or reranks",
            f"Remove {field}.",
        )


def _batches(path: str, model: "ModelSettings") -> Iterator[Problem]:
    tokens = model.vllm.max_batched_tokens
    if tokens is not None and tokens < model.max_sequences:
        # vllm/config/scheduler.py, _verify_max_model_len
        yield Problem(
            f"{path}.vllm.max_batched_tokens",
            str(tokens),
            f"at least max_sequences, {model.max_sequences}: a step gives each request a token",
            "Raise it, or lower max_sequences.",
        )
    if not model.vllm.chunked_prefill and (tokens or 0) < model.context_tokens:
        yield Problem(
            f"{path}.vllm.chunked_prefill",
            f"false, with max_batched_tokens {tokens or 'not set'}",
            f"max_batched_tokens of context_tokens, {model.context_tokens}, or more: without it a"
            " prompt is read in one step",
            f"Set max_batched_tokens: {model.context_tokens}, or leave chunked_prefill on.",
        )


def _quantizes(path: str, model: "ModelSettings") -> Iterator[Problem]:
    if model.vllm.quantization and model.served_dtype not in ("bf16", "fp16"):
        yield Problem(
            f"{path}.vllm.quantization",
            f"{model.vllm.quantization} over {model.served_dtype} weights",
            "weights of 16 bits: these are quantized already, and vLLM reads how from them",
            "Remove it.",
        )


def _guesses(path: str, model: "ModelSettings") -> Iterator[Problem]:
    speculation = model.vllm.speculation
    if speculation and speculation.method == "eagle3" and model.pipeline_parallel > 1:
        # vllm/v1/worker/gpu/spec_decode/eagle/eagle3_utils.py; few model classes say they can
        yield Problem(
            f"{path}.vllm.speculation.method",
            f"eagle3 with pipeline_parallel {model.pipeline_parallel}",
            "eagle3 with pipeline_parallel 1: it reads hidden states of layers that other stages"
            " hold, which vLLM passes on for few kinds of model only",
            "Use tensor_parallel alone, or guess with ngram, mtp or draft_model.",
        )


def _stretches(path: str, model: "ModelSettings") -> Iterator[Problem]:
    scaling = model.vllm.rope_scaling
    if scaling and model.spec.family == "multimodal":
        # vllm/config/model.py, _apply_dict_overrides: only of the outer config
        yield Problem(
            f"{path}.vllm.rope_scaling",
            f"set for {model.spec.key}, whose text model has a configuration of its own",
            "a model that takes text only: vLLM overrides the outer configuration",
            "Remove it.",
        )


def _shares_experts(path: str, model: "ModelSettings") -> Iterator[Problem]:
    dense = model.spec.family != "moe"
    if dense and model.vllm.data_parallel > 1:
        # vllm/engine/arg_utils.py: external load balancing of a dense model is refused
        yield Problem(
            f"{path}.vllm.data_parallel",
            f"{model.vllm.data_parallel} for {model.spec.key}, which is no mixture of experts",
            "1: its copies would share nothing",
            f"Remove it, and set replicas: {model.vllm.data_parallel * model.replicas}.",
        )
    if dense and model.vllm.expert_parallel:
        yield Problem(
            f"{path}.vllm.expert_parallel",
            f"true for {model.spec.key}, which is no mixture of experts",
            "false: there are no experts to deal out",
            "Remove it.",
        )


def _offloads(
    path: str, model: "ModelSettings", version: tuple[int, int, int]
) -> Iterator[Problem]:
    if model.vllm.kv_offload is None:
        return
    if version < _OFFLOAD_NEEDED:
        yield _too_old(
            f"{path}.vllm.kv_offload", version, _OFFLOAD_NEEDED, "it keeps KV caches on the host"
        )
    if not model.vllm.prefix_caching:
        yield Problem(
            f"{path}.vllm.kv_offload",
            "set, with prefix_caching false",
            "prefix_caching true: what was kept is found again by the prefix it belongs to",
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


def _splits_prefill(path: str, model: "ModelSettings") -> Iterator[Problem]:
    if not model.vllm.prefill_replicas:
        return
    got = f"{model.vllm.prefill_replicas} servers that only read prompts"
    path = f"{path}.vllm.prefill_replicas"
    if model.vllm.routing != "prefix-aware":
        yield Problem(
            path,
            f"{got}, with routing {model.vllm.routing}",
            "routing prefix-aware: its picker says who reads a prompt for whom",
            "Set routing: prefix-aware.",
        )
    if model.pipeline_parallel > 1:
        # vllm/distributed/kv_transfer/kv_connector/v1/nixl/base_worker.py
        yield Problem(
            path,
            f"{got}, with pipeline_parallel {model.pipeline_parallel}",
            "pipeline_parallel 1: who writes takes the KV cache whole",
            "Use tensor_parallel alone, or set prefill_replicas: 0.",
        )
    if model.autoscaling:
        yield Problem(
            path,
            f"{got}, with autoscaling",
            "replicas: those who wait to be read and those who wait to be written for are one"
            " number to the autoscaler",
            "Set replicas instead of autoscaling, or prefill_replicas: 0.",
        )


def _routes(path: str, model: "ModelSettings") -> Iterator[Problem]:
    if model.vllm.routing != "prefix-aware":
        return
    if model.max_replicas == 1:
        yield Problem(
            f"{path}.vllm.routing",
            "prefix-aware, with one server",
            "two servers or more: there is nothing to choose",
            "Raise replicas, or remove routing.",
        )
    if not model.vllm.prefix_caching:
        yield Problem(
            f"{path}.vllm.routing",
            "prefix-aware, with prefix_caching false",
            "prefix_caching true: no server keeps what it has read",
            "Leave prefix_caching on, or remove routing.",
        )


def _fetches_media(path: str, model: "ModelSettings") -> Iterator[Problem]:
    if model.vllm.media and model.spec.family != "multimodal":
        yield Problem(
            f"{path}.vllm.media",
            f"set for {model.spec.key}, which takes text only",
            "nothing: it fetches no pictures",
            "Remove it.",
        )
