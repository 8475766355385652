"""Text Generation Inference, in maintenance mode: for existing users.

Options: docs/source/reference/launcher.md of TGI.
"""

from components.common.contracts import StoredModel
from components.models.engines.auth_proxy import MAX_BODY_BYTES, AuthProxy
from components.models.engines.base import CHATS, HOME, OFFLINE, EngineService, Launch
from components.models.model_server import ServedModel
from config.settings.models import TokenModelSettings

_PORT = 8080
_ANSWER_TOKENS = 512
"""Tokens reserved for the completion of a prompt of maximum length; an assumption."""


class Tgi(EngineService):
    """A launcher with one shard per GPU."""

    kind = "tgi"

    def launch(self, model: ServedModel) -> Launch:
        """One model, which answers to any model name."""
        return Launch(
            command=["text-generation-launcher"],
            args=tgi_args(model.token_settings, model.weights),
            proxy=AuthProxy(_PORT, CHATS, "/health", "/metrics"),
            environment={
                **OFFLINE,
                "HOME": HOME,
                "HUGGINGFACE_HUB_CACHE": f"{HOME}/huggingface/hub",
                "TRITON_CACHE_DIR": f"{HOME}/triton",
                "TORCHINDUCTOR_CACHE_DIR": f"{HOME}/inductor",
            },
        )


def tgi_args(settings: TokenModelSettings, weights: StoredModel) -> list[str]:
    """The arguments of `text-generation-launcher`."""
    total = settings.context_tokens
    args = [
        f"--model-id={weights.path}",
        "--hostname=127.0.0.1",
        f"--port={_PORT}",
        f"--num-shard={settings.tensor_parallel}",
        f"--max-total-tokens={total}",
        f"--max-input-tokens={total - min(_ANSWER_TOKENS, total // 2)}",
        f"--max-concurrent-requests={settings.max_sequences}",
        f"--cuda-memory-fraction={settings.gpu_memory_utilization}",
        "--usage-stats=off",
        f"--payload-limit={MAX_BODY_BYTES}",
        "--json-output",
    ]
    if settings.kv_cache_dtype == "fp8":
        args.append("--kv-cache-dtype=fp8_e4m3fn")
    if settings.served_dtype in ("bf16", "fp16"):  # a quantized checkpoint declares its own
        args.append(f"--dtype={'bfloat16' if settings.served_dtype == 'bf16' else 'float16'}")
    return args
