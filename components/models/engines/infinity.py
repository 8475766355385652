"""Infinity: embeddings and reranking.

Options and variables: infinity_emb/cli.py and infinity_emb/env.py of its wheel.
"""

from components.common.contracts import StoredModel
from components.models.engines.auth_proxy import AuthProxy, Location
from components.models.engines.base import HOME, OFFLINE, EngineService, Launch
from components.models.model_server import ServedModel
from config.settings.models import ModelSettings

_PORT = 7997
_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
_BATCH = 32
"""Infinity's default."""


class Infinity(EngineService):
    """One model with dynamic batching."""

    kind = "infinity"

    def launch(self, model: ServedModel) -> Launch:
        """All paths get the prefix `/v1`, except health and metrics."""
        reranks = model.settings.task == "rerank"
        return Launch(
            command=["infinity_emb"],
            args=infinity_args(model.settings, model.served_name, model.weights),
            proxy=AuthProxy(
                _PORT,
                (Location("/v1/rerank" if reranks else "/v1/embeddings"), Location("/v1/models")),
                "/health",
                "/metrics",
            ),
            environment={
                **OFFLINE,
                "HOME": HOME,
                "INFINITY_HOME": f"{HOME}/infinity",
                "INFINITY_ANONYMOUS_USAGE_STATS": "0",
                "INFINITY_QUEUE_SIZE": "32000",
            },
            api="infinity" if reranks else "openai",
        )


def infinity_args(settings: ModelSettings, served_name: str, weights: StoredModel) -> list[str]:
    """The arguments of `infinity_emb`."""
    return [
        "v2",
        f"--model-id={weights.path}",
        f"--served-model-name={served_name}",
        "--host=127.0.0.1",
        f"--port={_PORT}",
        "--url-prefix=/v1",
        "--engine=torch",
        "--device=cuda",
        f"--dtype={_DTYPES[settings.served_dtype]}",
        f"--batch-size={_BATCH}",
        "--no-trust-remote-code",
        "--no-vector-disk-cache",
    ]
