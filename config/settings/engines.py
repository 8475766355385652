"""The programs that may serve a model, and what each of them can serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from catalog.models import Task, WeightDtype
from sizing.memory import KvDtype

Engine = Literal[
    "vllm",
    "ollama",
    "llama-cpp",
    "tgi",
    "triton-vllm",
    "triton-trtllm",
    "infinity",
    "tei",
    "speaches",
    "comfyui",
]
"""One word in a stack's YAML chooses it."""

_CHATS: Final[tuple[Task, ...]] = ("chat", "reasoning", "code")
_GGUF: Final[tuple[WeightDtype, ...]] = ("q8_0", "q4_k_m")


@dataclass(frozen=True)
class EngineSpec:
    """What an engine can serve, as far as it can be known before it starts."""

    title: str
    tasks: tuple[Task, ...]
    dtypes: tuple[WeightDtype, ...]
    kv_dtypes: tuple[KvDtype, ...] = ("auto",)
    tensor_parallel: bool = False
    """Whether the GPUs of one server may share each layer."""
    pipeline_parallel: bool = False
    """Whether they may share out the layers."""
    prepared: str | None = None
    """What it wants instead of a published checkpoint, in a repository of one's own."""
    caution: str | None = None
    """What whoever chooses it should know; the preview says so."""


ENGINES: Final[Mapping[Engine, EngineSpec]] = {
    "vllm": EngineSpec(
        "vLLM",
        # Its own list of supported models has speech too; its service here is for text.
        tasks=(*_CHATS, "embed", "rerank"),
        dtypes=("fp32", "bf16", "fp16", "fp8", "int8", "int4", "mxfp4", "nvfp4"),
        kv_dtypes=("auto", "fp8"),
        tensor_parallel=True,
        pipeline_parallel=True,
    ),
    "ollama": EngineSpec(
        "Ollama", tasks=(*_CHATS, "embed"), dtypes=_GGUF, kv_dtypes=("auto", "q8_0")
    ),
    "llama-cpp": EngineSpec(
        "llama.cpp server",
        tasks=(*_CHATS, "embed", "rerank"),
        dtypes=_GGUF,
        kv_dtypes=("auto", "q8_0"),
        pipeline_parallel=True,  # `--split-mode layer`
    ),
    "tgi": EngineSpec(
        "Text Generation Inference",
        tasks=_CHATS,
        dtypes=("bf16", "fp16", "fp8", "int4"),
        kv_dtypes=("auto", "fp8"),
        tensor_parallel=True,
        caution="Text Generation Inference is in maintenance mode: its authors take small fixes"
        " only, and send new deployments to vLLM or SGLang (its README). Prefer engine: vllm.",
    ),
    "triton-vllm": EngineSpec(
        "Triton with the vLLM backend",
        tasks=_CHATS,
        dtypes=("bf16", "fp16", "fp8", "int8", "int4"),
        kv_dtypes=("auto", "fp8"),
        tensor_parallel=True,
    ),
    "triton-trtllm": EngineSpec(
        "Triton with the TensorRT-LLM backend",
        tasks=_CHATS,
        dtypes=("bf16", "fp16", "fp8", "int8", "int4", "nvfp4"),
        prepared="a Triton model repository with an engine that trtllm-build made for the GPUs of"
        " the pool (docs/reference/engines.md)",
    ),
    "infinity": EngineSpec("Infinity", tasks=("embed", "rerank"), dtypes=("fp32", "bf16", "fp16")),
    "tei": EngineSpec(
        "Text Embeddings Inference", tasks=("embed", "rerank"), dtypes=("fp32", "fp16")
    ),
    "speaches": EngineSpec(
        "Speaches", tasks=("transcribe", "speak"), dtypes=("fp32", "fp16", "int8")
    ),
    # Checkpoints that hold everything; FLUX's own bf16 file lacks its text encoders.
    "comfyui": EngineSpec("ComfyUI", tasks=("image",), dtypes=("fp16", "fp8")),
}
"""Sources, engine by engine: docs/reference/engines.md."""
