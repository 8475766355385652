"""The inference engines, and the models that each of them can serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from catalog.models import Task, WeightDtype
from sizing.memory import KvDtype
from sizing.startup import shm_bytes

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
"""An inference engine, as in a stack's YAML."""

_CHATS: Final[tuple[Task, ...]] = ("chat", "reasoning", "code")
_GGUF: Final[tuple[WeightDtype, ...]] = ("q8_0", "q4_k_m")


@dataclass(frozen=True)
class EngineSpec:
    """The tasks, types and parallelism that an engine supports."""

    title: str
    tasks: tuple[Task, ...]
    dtypes: tuple[WeightDtype, ...]
    kv_dtypes: tuple[KvDtype, ...] = ("auto",)
    tensor_parallel: bool = False
    """Whether the GPUs of one server may share each layer."""
    pipeline_parallel: bool = False
    """Whether the layers may be divided among the GPUs of one server."""
    shares_memory_from: int | None = None
    """GPUs per pod from which its processes share tensors in /dev/shm; None: never."""
    prepares: bool = False
    """Whether an init container first arranges its files."""
    prepared: str | None = None
    """The build it needs instead of a published checkpoint, in a repository of your own."""
    caution: str | None = None
    """A warning of the preview to those who choose it."""


ENGINE_SPECS: Final[Mapping[Engine, EngineSpec]] = {
    "vllm": EngineSpec(
        "vLLM",
        # vLLM supports speech too; VllmService serves text only.
        tasks=(*_CHATS, "embed", "rerank"),
        dtypes=("fp32", "bf16", "fp16", "fp8", "int8", "int4", "mxfp4", "nvfp4"),
        kv_dtypes=("auto", "fp8"),
        tensor_parallel=True,
        pipeline_parallel=True,
        shares_memory_from=1,
    ),
    "ollama": EngineSpec(
        "Ollama",
        tasks=(*_CHATS, "embed"),
        dtypes=_GGUF,
        kv_dtypes=("auto", "q8_0"),
        prepares=True,
    ),
    "llama-cpp": EngineSpec(
        "llama.cpp server",
        tasks=(*_CHATS, "embed", "rerank"),
        dtypes=_GGUF,
        kv_dtypes=("auto", "q8_0"),
        pipeline_parallel=True,  # `--split-mode layer`
        shares_memory_from=2,  # for NCCL, which CUDA builds use between GPUs where available
    ),
    "tgi": EngineSpec(
        "Text Generation Inference",
        tasks=_CHATS,
        dtypes=("bf16", "fp16", "fp8", "int4"),
        kv_dtypes=("auto", "fp8"),
        tensor_parallel=True,
        shares_memory_from=1,
        caution="Text Generation Inference is in maintenance mode: its authors accept small fixes"
        " only, and recommend vLLM or SGLang for new deployments (its README). Prefer engine:"
        " vllm.",
    ),
    "triton-vllm": EngineSpec(
        "Triton with the vLLM backend",
        tasks=_CHATS,
        dtypes=("bf16", "fp16", "fp8", "int8", "int4"),
        kv_dtypes=("auto", "fp8"),
        tensor_parallel=True,
        shares_memory_from=1,
        prepares=True,
    ),
    "triton-trtllm": EngineSpec(
        "Triton with the TensorRT-LLM backend",
        tasks=_CHATS,
        dtypes=("bf16", "fp16", "fp8", "int8", "int4", "nvfp4"),
        shares_memory_from=1,
        prepares=True,
        prepared="a Triton model repository with an engine that trtllm-build built for the GPUs of"
        " the pool (docs/reference/engines.md)",
    ),
    "infinity": EngineSpec("Infinity", tasks=("embed", "rerank"), dtypes=("fp32", "bf16", "fp16")),
    "tei": EngineSpec(
        "Text Embeddings Inference", tasks=("embed", "rerank"), dtypes=("fp32", "fp16")
    ),
    "speaches": EngineSpec(
        "Speaches",
        tasks=("transcribe", "speak"),
        dtypes=("fp32", "fp16", "int8"),
        prepares=True,
    ),
    # Complete checkpoints only; FLUX's own bf16 file lacks its text encoders.
    "comfyui": EngineSpec("ComfyUI", tasks=("image",), dtypes=("fp16", "fp8")),
}
"""The engines by name; sources: docs/reference/engines.md."""


def shared_memory_bytes(engine: Engine, gpus_per_pod: int) -> int:
    """Size of /dev/shm that *engine* needs in a pod with so many GPUs; it counts as memory."""
    least = ENGINE_SPECS[engine].shares_memory_from
    return 0 if least is None or gpus_per_pod < least else shm_bytes(gpus_per_pod)
