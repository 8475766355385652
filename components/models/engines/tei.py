"""Text Embeddings Inference: embeddings and reranking.

Options: the README of huggingface/text-embeddings-inference, `--help` of 1.9.
"""

from components.common.contracts import StoredModel
from components.models.engines.auth_proxy import MAX_BODY_BYTES, AuthProxy, Location
from components.models.engines.base import HOME, OFFLINE, EngineService, Launch
from components.models.model_server import ServedModel
from config.settings.models import TokenModelSettings

_PORT = 3000
_DTYPES = {"fp32": "float32", "fp16": "float16"}
_BATCH_TOKENS = 16384
"""TEI's default; an input longer than a batch is rejected."""
_INPUTS = 256
"""Maximum texts per request, as applications send when they index documents; an assumption."""


class Tei(EngineService):
    """One model with token-based batching."""

    kind = "tei"

    def launch(self, model: ServedModel) -> Launch:
        """Reranking has a path and a request format of its own, which the router supports."""
        reranks = model.settings.task == "rerank"
        path = Location("/v1/rerank", "/rerank") if reranks else Location("/v1/embeddings")
        return Launch(
            command=["text-embeddings-router"],
            args=tei_args(model.token_settings, model.served_name, model.weights),
            proxy=AuthProxy(_PORT, (path,), "/health", "/metrics"),
            environment={**OFFLINE, "HOME": HOME, "HUGGINGFACE_HUB_CACHE": f"{HOME}/hub"},
            api="tei" if reranks else "openai",
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
