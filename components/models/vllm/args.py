"""The command line of a vLLM server, as data: no Pulumi here.

https://docs.vllm.ai/en/latest/cli/serve/; every argument is checked against the wheel of the
deployed version (tests/conformance/test_vllm_options.py).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from base.quantity import parse
from base.units import GIB
from components.common.contracts import StoredModel
from components.common.pki import CERT_FILE, KEY_FILE
from components.models.model_server import Role, ServedModel
from config.settings.models import TokenModelSettings
from config.settings.vllm import Speculation

CONFIG = "/run/secrets/vllm"
PORT = 8000
BEHIND_SIDECAR = 8200
"""Port of vLLM behind the sidecar of disaggregated serving: the sidecar's default."""

_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""`--dtype` by dtype; a quantized checkpoint declares its own."""


def port(role: Role) -> int:
    """Port that vLLM itself listens on."""
    return BEHIND_SIDECAR if role == "decode" else PORT


def vllm_config(api_key: str) -> dict[str, list[str]]:
    """Options read from a file, since a secret must not appear in the arguments."""
    return {"api-key": [api_key]}


def vllm_args(model: ServedModel) -> list[str]:
    """The arguments of `vllm` that serve *model* in its role."""
    settings = model.token_settings
    return [
        "serve",
        model.weights.path,
        *("--config", f"{CONFIG}/vllm.yaml"),  # two items: `--config=…` is not read at all
        f"--served-model-name={model.served_name}",
        f"--port={port(model.role)}",
        f"--ssl-certfile={CERT_FILE}",
        f"--ssl-keyfile={KEY_FILE}",
        f"--dtype={_DTYPES.get(settings.served_dtype, 'auto')}",
        # Never a pickle where safetensors exist.
        f"--load-format={'safetensors' if settings.checkpoint.safetensors else 'auto'}",
        f"--tensor-parallel-size={settings.tensor_parallel}",
        f"--pipeline-parallel-size={settings.pipeline_parallel}",
        f"--max-model-len={settings.context_tokens}",
        f"--max-num-seqs={settings.max_sequences}",
        f"--gpu-memory-utilization={settings.gpu_memory_utilization}",
        # In a multi-node group only the leader has requests; a worker waits in its preStop hook.
        *(() if model.role == "worker" else (f"--shutdown-timeout={settings.drain_seconds}",)),
        "--disable-access-log-for-endpoints=/health,/metrics",
        "--disable-fastapi-docs",
        *_common(settings),
        *(_generation(model) if settings.task == "chat" else ("--runner=pooling",)),
        *_group(model),
    ]


def _common(settings: TokenModelSettings) -> Iterator[str]:
    """Options for models of every task."""
    given = settings.vllm
    if given.quantization:
        yield f"--quantization={given.quantization}"
    if given.max_batched_tokens:
        yield f"--max-num-batched-tokens={given.max_batched_tokens}"
    if given.data_parallel > 1:
        yield f"--data-parallel-size={given.data_parallel}"


def _generation(model: ServedModel) -> Iterator[str]:
    """Options for models that generate text."""
    settings, given, spec = model.settings, model.settings.vllm, model.settings.spec
    yield f"--kv-cache-dtype={settings.kv_cache_dtype}"
    yield "--enable-prefix-caching" if given.prefix_caching else "--no-enable-prefix-caching"
    yield "--enable-force-include-usage"  # usage statistics in every stream
    if not given.chunked_prefill:
        yield "--no-enable-chunked-prefill"
    if given.expert_parallel:
        yield "--enable-expert-parallel"
    tools = given.tool_parser or spec.tool_parser or "none"
    if tools != "none":
        yield "--enable-auto-tool-choice"
        yield f"--tool-call-parser={tools}"
    reasoning = given.reasoning_parser or spec.reasoning_parser or "none"
    if reasoning != "none":
        yield f"--reasoning-parser={reasoning}"
    if given.structured_outputs != "auto":
        yield _json("--structured-outputs-config", {"backend": given.structured_outputs})
    if given.speculation:
        yield _json("--speculative-config", speculative_config(given.speculation, model.extras))
    if given.rope_scaling:
        yield _json("--hf-overrides", rope_overrides(model.token_settings))
    if given.media:
        yield "--allowed-media-domains"
        yield from given.media.domains
    yield from _adapters(model)
    yield from _kv_transfer(model)


def _adapters(model: ServedModel) -> Iterator[str]:
    """LoRA adapters of the stack; vLLM loads others at run time only if a variable allows it."""
    adapters = model.settings.vllm.adapters
    if not adapters:
        return
    yield "--enable-lora"
    yield f"--max-loras={len(adapters)}"
    yield f"--max-lora-rank={max(adapter.rank for adapter in adapters.values())}"
    yield "--lora-modules"
    for name in adapters:
        yield json.dumps({"name": name, "path": model.extras[f"adapter-{name}"].path})


def _kv_transfer(model: ServedModel) -> Iterator[str]:
    offload = model.settings.vllm.kv_offload
    if model.role in ("prefill", "decode"):
        # Each request states the direction: llm-d's guides configure both roles alike.
        yield _json(
            "--kv-transfer-config",
            {
                "kv_connector": "NixlConnector",
                "kv_role": "kv_both",
                "kv_load_failure_policy": "recompute",
            },
        )
    elif offload and offload.backend == "native":
        yield f"--kv-offloading-size={float(parse(offload.size) / GIB):g}"
        yield "--kv-offloading-backend=native"
    elif offload:
        # `--kv-offloading-backend=lmcache` would look for an LMCache server on port 5555.
        yield _json(
            "--kv-transfer-config", {"kv_connector": "LMCacheConnectorV1", "kv_role": "kv_both"}
        )


def _group(model: ServedModel) -> Iterator[str]:
    """Rank within a multi-node server; LeaderWorkerSet sets the variables in each pod."""
    if model.role not in ("leader", "worker"):
        return
    yield f"--nnodes={model.hosts}"
    yield "--node-rank=$(LWS_WORKER_INDEX)"
    yield "--master-addr=$(LWS_LEADER_ADDRESS)"
    # Peers on other nodes may have to pull the image and verify the weights first.
    yield f"--distributed-timeout-seconds={model.startup.join}"
    yield f"--cpu-distributed-timeout-seconds={model.startup.cpu_join}"
    if model.role == "worker":
        yield "--headless"


def speculative_config(
    speculation: Speculation, extras: Mapping[str, StoredModel]
) -> dict[str, Any]:
    """The value of `--speculative-config` (vllm/config/speculative.py)."""
    config: dict[str, Any] = {
        "method": speculation.method,
        "num_speculative_tokens": speculation.tokens,
    }
    if speculation.method == "ngram":
        config["prompt_lookup_max"] = speculation.lookup_tokens
    if speculation.draft:
        config["model"] = extras["draft"].path
    return config


def rope_overrides(settings: TokenModelSettings) -> dict[str, Any]:
    """The value of `--hf-overrides` that extends the context by YaRN; empty without scaling.

    `rope_parameters` is replaced as a whole, so it repeats the base; the maximum context is set
    explicitly, since vLLM assumes that of a YaRN model to be extended already
    (vllm/config/model.py, _get_and_verify_max_len).
    """
    scaling = settings.vllm.rope_scaling
    if scaling is None:
        return {}
    return {
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": scaling.theta,
            "factor": scaling.factor,
            "original_max_position_embeddings": scaling.original_tokens,
        },
        "max_position_embeddings": scaling.max_context,
    }


def environment(settings: TokenModelSettings, role: Role) -> dict[str, str]:
    """Environment variables that the options of *settings* need besides arguments."""
    env: dict[str, str] = {}
    offload, rdma = settings.vllm.kv_offload, settings.vllm.rdma
    if offload and offload.backend == "lmcache":
        # https://docs.lmcache.ai/api_reference/configurations.html
        env["LMCACHE_LOCAL_CPU"] = "True"
        env["LMCACHE_MAX_LOCAL_CPU_SIZE"] = f"{float(parse(offload.size) / GIB):g}"
        env["LMCACHE_TRACK_USAGE"] = "false"
    if role in ("leader", "worker"):
        env["NCCL_IB_DISABLE"] = "0" if rdma else "1"
    if rdma:
        env["NCCL_IB_HCA"] = rdma.hca
        if rdma.gid_index is not None:
            env["NCCL_IB_GID_INDEX"] = str(rdma.gid_index)
    return env


def _json(option: str, value: Mapping[str, Any]) -> str:
    return f"{option}={json.dumps(value)}"
