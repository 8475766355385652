"""Triton Inference Server with its OpenAI frontend, over the vLLM or the TensorRT-LLM backend.

Frontend: python/openai/openai_frontend/main.py of triton-inference-server/server. Model repository
of the vLLM backend: https://github.com/triton-inference-server/vllm_backend (model.json holds
vLLM's AsyncEngineArgs).
"""

from collections.abc import Mapping

from components.common.contracts import StoredModel
from components.common.json_text import json_text
from components.models.engines.auth_proxy import AuthProxy
from components.models.engines.base import (
    CHATS,
    FILES,
    HOME,
    OFFLINE,
    EngineService,
    Launch,
)
from components.models.model_server import ServedModel
from config.settings.models import TokenModelSettings

_PORT = 9000
_FRONTEND = "/opt/tritonserver/python/openai/openai_frontend/main.py"
_REPOSITORY = f"{HOME}/models"
_DTYPES = {"bf16": "bfloat16", "fp16": "float16"}

PREPARED = f"{HOME}/model"
"""Fixed path of the weights of any revision: a TensorRT-LLM model repository contains absolute
paths."""
PIPELINE = "ensemble"
"""The model of that repository with text as input and output."""

_CONFIG = """\
backend: "vllm"
instance_group [
  {
    count: 1
    kind: KIND_MODEL
  }
]
"""
"""vLLM itself selects its GPUs."""

_PREPARE = """\
mkdir -p {repository}/{name}/1
ln -sf {files}/config.pbtxt {repository}/{name}/config.pbtxt
ln -sf {files}/model.json {repository}/{name}/1/model.json
"""
"""Assembles the model repository from two files: a ConfigMap has no folders."""


class TritonVllm(EngineService):
    """The stack generates the model repository; the weights are those of the catalog."""

    kind = "triton-vllm"

    def launch(self, model: ServedModel) -> Launch:
        """The model has its served name in Triton too."""
        name = model.served_name
        return Launch(
            command=["python3", _FRONTEND],
            args=frontend_args(_REPOSITORY, model.weights.path, "vllm"),
            proxy=_PROXY,
            environment=_environment(),
            files={
                "config.pbtxt": _CONFIG,
                "model.json": json_text(engine_args(model.token_settings, model.weights)),
            },
            prepare=_PREPARE.format(repository=_REPOSITORY, name=name, files=FILES),
        )


class TritonTrtLlm(EngineService):
    """The weights contain the model repository, the engine and the tokenizer."""

    kind = "triton-trtllm"

    def launch(self, model: ServedModel) -> Launch:
        """TensorRT-LLM's own templates call the text-to-text model `ensemble`."""
        return Launch(
            command=["python3", _FRONTEND],
            args=frontend_args(f"{PREPARED}/triton", f"{PREPARED}/tokenizer", "tensorrtllm"),
            proxy=_PROXY,
            environment=_environment(),
            upstream_name=PIPELINE,
            prepare=f"ln -sfn {model.weights.path} {PREPARED}",
        )


_PROXY = AuthProxy(_PORT, CHATS, "/health/ready", "/metrics")


def frontend_args(repository: str, tokenizer: str, backend: str) -> list[str]:
    """The arguments of the OpenAI frontend; it starts Triton itself."""
    return [
        f"--model-repository={repository}",
        f"--tokenizer={tokenizer}",
        f"--backend={backend}",
        "--host=127.0.0.1",
        f"--openai-port={_PORT}",
    ]


def engine_args(settings: TokenModelSettings, weights: StoredModel) -> Mapping[str, object]:
    """Content of `model.json` for the vLLM backend."""
    return {
        "model": weights.path,
        "dtype": _DTYPES.get(settings.served_dtype, "auto"),
        "tensor_parallel_size": settings.tensor_parallel,
        "max_model_len": settings.context_tokens,
        "max_num_seqs": settings.max_sequences,
        "gpu_memory_utilization": settings.gpu_memory_utilization,
        "kv_cache_dtype": settings.kv_cache_dtype,
        "enable_prefix_caching": True,
    }


def _environment() -> dict[str, str]:
    return {
        **OFFLINE,
        "HOME": HOME,
        "USER": "triton",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
        "VLLM_CACHE_ROOT": f"{HOME}/vllm",
        "TRITON_CACHE_DIR": f"{HOME}/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{HOME}/inductor",
        "XDG_CACHE_HOME": f"{HOME}/cache",
    }
