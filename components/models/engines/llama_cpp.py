"""llama.cpp's server: one GGUF file, on one GPU or with its layers shared out over several.

Options: tools/server/README.md of llama.cpp, which its build generates from them.
"""

from components.common.contracts import StoredModel
from components.models.engines.base import CHATS, HOME, EngineArgs, EngineService, Launch
from components.models.engines.front import Api, Front
from config.settings.models import TokenModelSettings
from sizing.startup import shm_bytes

_PORT = 8080
_KV = {"auto": "f16", "q8_0": "q8_0"}


class LlamaCpp(EngineService):
    """Slots of equal context, all held from the start."""

    kind = "llama-cpp"

    def launch(self, args: EngineArgs) -> Launch:
        """One slot for each request that must fit."""
        task = args.settings.task
        apis = {
            "embed": (Api("/v1/embeddings"), Api("/v1/models")),
            "rerank": (Api("/v1/rerank"), Api("/v1/models")),
        }
        return Launch(
            command=["/app/llama-server"],
            args=llama_args(args.token_settings, args.served_name, args.weights),
            front=Front(_PORT, apis.get(task, CHATS), "/health", "/metrics"),
            environment={"HOME": HOME},
            dialect="vllm" if task == "rerank" else "openai",
            # NCCL's, which its builds for CUDA use between GPUs where they have it.
            shared_memory=shm_bytes(args.settings.gpus) if args.settings.gpus > 1 else 0,
        )


def llama_args(settings: TokenModelSettings, served_name: str, weights: StoredModel) -> list[str]:
    """The arguments of `llama-server`, each option and its value apart: it knows no `=`."""
    slots = settings.concurrency
    kv = _KV[settings.kv_cache_dtype]
    args = [
        *("--model", f"{weights.path}/{settings.checkpoint.file}"),
        *("--alias", served_name),
        *("--host", "127.0.0.1"),
        *("--port", str(_PORT)),
        *("--ctx-size", str(settings.context_tokens * slots)),  # of all slots together
        *("--parallel", str(slots)),
        *("--gpu-layers", "all"),
        *("--split-mode", "layer" if settings.gpus > 1 else "none"),
        *("--flash-attn", "on"),  # without it V cannot be quantised
        *("--cache-type-k", kv),
        *("--cache-type-v", kv),
        "--metrics",
        "--no-slots",  # they show prompts
        "--no-ui",
        "--offline",
    ]
    # An input is embedded in one step, which must be as long as it.
    step = ("--batch-size", str(settings.context_tokens), "--ubatch-size")
    if settings.task == "embed":
        args += ["--embeddings", *step, str(settings.context_tokens)]
    if settings.task == "rerank":
        args += ["--reranking", *step, str(settings.context_tokens)]
    return args
