"""Ollama: one GGUF file, registered under the served name, never pulled.

Variables: envconfig/config.go of Ollama 0.17.4.
"""

import shlex

from components.common.contracts import StoredModel
from components.models.engines.auth_proxy import AuthProxy, Location
from components.models.engines.base import CHATS, FILES, HOME, EngineService, Launch
from components.models.model_server import ServedModel
from config.settings.models import TokenModelSettings

_PORT = 11434
_KV = {"auto": "f16", "q8_0": "q8_0"}
_LOAD_TIMEOUT = "0"
"""No timeout: the startup probe limits the time to load."""

_PREPARE = """\
file={file}
digest=$(sha256sum "$file" | cut -d ' ' -f 1)
mkdir -p "$OLLAMA_MODELS/blobs"
ln -sf "$file" "$OLLAMA_MODELS/blobs/sha256-$digest"
ollama serve &
server=$!
until ollama list > /dev/null 2>&1; do
  kill -0 "$server"
  sleep 1
done
ollama create {name} -f {files}/Modelfile
kill "$server"
wait "$server" || true
"""
"""An existing blob is not copied, so the verified file itself is served."""


class Ollama(EngineService):
    """One model, loaded permanently."""

    kind = "ollama"

    def launch(self, model: ServedModel) -> Launch:
        """The model is registered before the server starts; the startup probe loads the weights."""
        settings, name = model.token_settings, model.served_name
        embeds = settings.task == "embed"
        return Launch(
            command=["ollama"],
            args=["serve"],
            proxy=AuthProxy(
                _PORT,
                (Location("/v1/embeddings"), Location("/v1/models")) if embeds else CHATS,
                "/api/version",  # the startup probe has loaded the model
                None,  # no metrics
            ),
            environment=environment(settings),
            files={"Modelfile": modelfile(settings, model.weights)},
            prepare=_PREPARE.format(
                file=shlex.quote(gguf(settings, model.weights)), name=name, files=FILES
            ),
            load=() if embeds else ("ollama", "run", name, ""),
        )


def gguf(settings: TokenModelSettings, weights: StoredModel) -> str:
    """Path of the weights."""
    return f"{weights.path}/{settings.checkpoint.file}"


def modelfile(settings: TokenModelSettings, weights: StoredModel) -> str:
    """The Modelfile; the chat template is the one inside the GGUF file.

    https://docs.ollama.com/modelfile
    """
    return f"FROM {gguf(settings, weights)}\nPARAMETER num_ctx {settings.context_tokens}\n"


def environment(settings: TokenModelSettings) -> dict[str, str]:
    """Environment of the server."""
    return {
        "HOME": HOME,
        "OLLAMA_HOST": f"127.0.0.1:{_PORT}",
        "OLLAMA_MODELS": f"{HOME}/models",
        "OLLAMA_FLASH_ATTENTION": "1",  # required to quantize the KV cache
        "OLLAMA_KV_CACHE_TYPE": _KV[settings.kv_cache_dtype],
        "OLLAMA_CONTEXT_LENGTH": str(settings.context_tokens),
        "OLLAMA_NUM_PARALLEL": str(settings.concurrency),
        "OLLAMA_MAX_QUEUE": str(settings.max_sequences),
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_LOAD_TIMEOUT": _LOAD_TIMEOUT,
        "OLLAMA_NOPRUNE": "1",  # keeps the link to the weights
        "OLLAMA_NOHISTORY": "1",
        "OLLAMA_NO_CLOUD": "1",
    }
