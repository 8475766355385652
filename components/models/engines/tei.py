"""Text Embeddings Inference: embeddings and reranking.

Options: the README of huggingface/text-embeddings-inference, `--help` of 1.9.
"""

from components.common.contracts import StoredModel
from components.models.engines.base import HOME, OFFLINE, EngineArgs, EngineService, Launch
from components.models.engines.front import MAX_BODY_BYTES, Api, Front
from config.settings.models import TokenModelSettings

_PORT = 3000
_DTYPES = {"fp32": "float32", "fp16": "float16"}
_BATCH_TOKENS = 16384
"""Its own default; an input longer than a batch would be refused."""
_INPUTS = 256
"""Texts in one request: what applications send when they index documents; an assumption."""


class Tei(EngineService):
    """One model, batched by tokens."""

    kind = "tei"

    def launch(self, args: EngineArgs) -> Launch:
        """Reranking has a path and a form of its own, which the router speaks."""
        reranks = args.settings.task == "rerank"
        path = Api("/v1/rerank", "/rerank") if reranks else Api("/v1/embeddings")
        return Launch(
            command=["text-embeddings-router"],
            args=tei_args(args.token_settings, args.served_name, args.weights),
            front=Front(_PORT, (path,), "/health", "/metrics"),
            environment={**OFFLINE, "HOME": HOME, "HUGGINGFACE_HUB_CACHE": f"{HOME}/hub"},
            dialect="tei" if reranks else "openai",
        )


def tei_args(settings: TokenModelSettings, served_name: str, weights: StoredModel) -> list[str]:
    """The arguments of `text-embeddings-router`."""
    return [
        f"--model-id={weights.path}",
        f"--served-model-name={served_name}",
        f"--dtype={_DTYPES[settings.served_dtype]}",
        "--hostname=127.0.0.1",
        f"--port={_PORT}",
        f"--max-batch-tokens={max(_BATCH_TOKENS, settings.context_tokens)}",
        f"--max-concurrent-requests={settings.max_sequences}",
        f"--max-client-batch-size={_INPUTS}",
        f"--payload-limit={MAX_BODY_BYTES}",
        "--json-output",
    ]
