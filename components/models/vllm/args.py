"""What a vLLM server is started with, as data: no Pulumi here.

https://docs.vllm.ai/en/latest/cli/serve/; every argument is checked against the wheel of the
deployed version (tests/conformance/test_vllm.py).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from base.quantity import parse
from components.common.component import TLS_PATH
from config.settings.models import TokenModelSettings
from config.settings.vllm import Speculation

CONFIG = "/run/secrets/vllm"
PORT = 8000
BEHIND_SIDECAR = 8200
"""Where vLLM listens when the sidecar of a split prefill has its port: the sidecar's default."""

Role = Literal["whole", "leader", "worker", "prefill", "decode"]
"""`whole`: one server, one pod. `leader` and `worker`: the pods of a server that spans nodes.
`prefill` and `decode`: servers that read prompts, and those that write."""

_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""vLLM's `--dtype`; a quantised checkpoint says itself what goes with it."""

_GIB = 2**30


@dataclass(frozen=True)
class Server:
    """One server of a model: which part it plays, and where its weights are."""

    settings: TokenModelSettings
    served_name: str
    path: str
    """Of the weights."""
    extras: Mapping[str, str] = field(default_factory=dict[str, str])
    """Paths of the weights besides, by the names of `ModelSettings.extra_files`."""
    role: Role = "whole"
    hosts: int = 1
    """Pods of a group, where it spans nodes."""

    @property
    def port(self) -> int:
        """Where vLLM itself listens."""
        return BEHIND_SIDECAR if self.role == "decode" else PORT


def vllm_config(api_key: str) -> dict[str, list[str]]:
    """What vLLM reads from a file, since it must not be in its arguments."""
    return {"api-key": [api_key]}


def vllm_args(server: Server) -> list[str]:
    """The arguments of `vllm` that start *server*."""
    settings = server.settings
    return [
        "serve",
        server.path,
        *("--config", f"{CONFIG}/vllm.yaml"),  # two items: `--config=…` is not read at all
        f"--served-model-name={server.served_name}",
        f"--port={server.port}",
        f"--ssl-certfile={TLS_PATH}/tls.crt",
        f"--ssl-keyfile={TLS_PATH}/tls.key",
        f"--dtype={_DTYPES.get(settings.served_dtype, 'auto')}",
        # Never a pickle, where there is something better.
        f"--load-format={'safetensors' if settings.checkpoint.safetensors else 'auto'}",
        f"--tensor-parallel-size={settings.tensor_parallel}",
        f"--pipeline-parallel-size={settings.pipeline_parallel}",
        f"--max-model-len={settings.context_tokens}",
        f"--max-num-seqs={settings.max_sequences}",
        f"--gpu-memory-utilization={settings.gpu_memory_utilization}",
        # Of a group, the leader alone has requests; its worker's preStop waits until they are done.
        *(() if server.role == "worker" else (f"--shutdown-timeout={settings.drain_seconds}",)),
        "--disable-access-log-for-endpoints=/health,/metrics",
        "--disable-fastapi-docs",
        *_any(settings),
        *(_generation(server) if settings.task == "chat" else ("--runner=pooling",)),
        *_group(server),
    ]


def _any(settings: TokenModelSettings) -> Iterator[str]:
    """What every model may have."""
    given = settings.vllm
    if given.quantization:
        yield f"--quantization={given.quantization}"
    if given.max_batched_tokens:
        yield f"--max-num-batched-tokens={given.max_batched_tokens}"
    if given.data_parallel > 1:
        yield f"--data-parallel-size={given.data_parallel}"


def _generation(server: Server) -> Iterator[str]:
    """What only a model that writes has."""
    settings, given, spec = server.settings, server.settings.vllm, server.settings.spec
    yield f"--kv-cache-dtype={settings.kv_cache_dtype}"
    yield "--enable-prefix-caching" if given.prefix_caching else "--no-enable-prefix-caching"
    yield "--enable-force-include-usage"  # a stream that says what it cost, whoever asks
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
        yield _json("--speculative-config", speculative_config(given.speculation, server.extras))
    if given.rope_scaling:
        yield _json("--hf-overrides", rope_overrides(settings))
    if given.media:
        yield "--allowed-media-domains"
        yield from given.media.domains
    yield from _adapters(server)
    yield from _kv_cache_elsewhere(server)


def _adapters(server: Server) -> Iterator[str]:
    """Those of the stack alone: vLLM loads no other while it runs unless a variable allows it."""
    adapters = server.settings.vllm.adapters
    if not adapters:
        return
    yield "--enable-lora"
    yield f"--max-loras={len(adapters)}"
    yield f"--max-lora-rank={max(adapter.rank for adapter in adapters.values())}"
    yield "--lora-modules"
    for name in adapters:
        yield json.dumps({"name": name, "path": server.extras[f"adapter-{name}"]})


def _kv_cache_elsewhere(server: Server) -> Iterator[str]:
    offload = server.settings.vllm.kv_offload
    if server.role in ("prefill", "decode"):
        # Which of the two it is, each request says: llm-d's guides configure both alike.
        yield _json(
            "--kv-transfer-config",
            {
                "kv_connector": "NixlConnector",
                "kv_role": "kv_both",
                "kv_load_failure_policy": "recompute",
            },
        )
    elif offload and offload.backend == "native":
        yield f"--kv-offloading-size={float(parse(offload.size) / _GIB):g}"
        yield "--kv-offloading-backend=native"
    elif offload:
        # `--kv-offloading-backend=lmcache` would look for a server of LMCache on port 5555.
        yield _json(
            "--kv-transfer-config", {"kv_connector": "LMCacheConnectorV1", "kv_role": "kv_both"}
        )


def _group(server: Server) -> Iterator[str]:
    """Who is who among the pods of one server; LeaderWorkerSet sets the variables in each."""
    if server.role not in ("leader", "worker"):
        return
    yield f"--nnodes={server.hosts}"
    yield "--node-rank=$(LWS_WORKER_INDEX)"
    yield "--master-addr=$(LWS_LEADER_ADDRESS)"
    if server.role == "worker":
        yield "--headless"


def speculative_config(speculation: Speculation, extras: Mapping[str, str]) -> dict[str, Any]:
    """The value of `--speculative-config` (vllm/config/speculative.py)."""
    config: dict[str, Any] = {
        "method": speculation.method,
        "num_speculative_tokens": speculation.tokens,
    }
    if speculation.method == "ngram":
        config["prompt_lookup_max"] = speculation.lookup_tokens
    if speculation.draft:
        config["model"] = extras["draft"]
    return config


def rope_overrides(settings: TokenModelSettings) -> dict[str, Any]:
    """The value of `--hf-overrides` that stretches a model by YaRN; nothing where it is as it was.

    `rope_parameters` is replaced whole, so it names the base as well; and the longest context is
    given outright, since vLLM takes that of a YaRN model for stretched already (vllm/config/
    model.py, _get_and_verify_max_len).
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
    """What the options of *settings* need beside arguments."""
    env: dict[str, str] = {}
    offload, rdma = settings.vllm.kv_offload, settings.vllm.rdma
    if offload and offload.backend == "lmcache":
        # https://docs.lmcache.ai/api_reference/configurations.html
        env["LMCACHE_LOCAL_CPU"] = "True"
        env["LMCACHE_MAX_LOCAL_CPU_SIZE"] = f"{float(parse(offload.size) / _GIB):g}"
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
