"""Infinity: embeddings and reranking.

Options and variables: infinity_emb/cli.py and infinity_emb/env.py of its wheel.
"""

from components.models.engines.base import HOME, OFFLINE, EngineArgs, EngineService, Launch
from components.models.engines.front import Api, Front

_PORT = 7997
_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
_BATCH = 32
"""Its own default."""


class Infinity(EngineService):
    """One model, batched as requests come."""

    kind = "infinity"

    def launch(self, args: EngineArgs) -> Launch:
        """Its paths get OpenAI's prefix; health and metrics stay outside of it."""
        reranks = args.settings.task == "rerank"
        return Launch(
            command=["infinity_emb"],
            args=infinity_args(args),
            front=Front(
                _PORT,
                (Api("/v1/rerank" if reranks else "/v1/embeddings"), Api("/v1/models")),
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
            dialect="infinity" if reranks else "openai",
        )


def infinity_args(args: EngineArgs) -> list[str]:
    """The arguments of `infinity_emb`."""
    return [
        "v2",
        f"--model-id={args.weights.path}",
        f"--served-model-name={args.served_name}",
        "--host=127.0.0.1",
        f"--port={_PORT}",
        "--url-prefix=/v1",
        "--engine=torch",
        "--device=cuda",
        f"--dtype={_DTYPES[args.settings.served_dtype]}",
        f"--batch-size={_BATCH}",
        "--no-trust-remote-code",
        "--no-vector-disk-cache",
    ]
