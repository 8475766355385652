"""Ollama: one GGUF file, registered under the name that users ask for, never pulled.

Variables: envconfig/config.go of Ollama 0.17.4.
"""

import shlex

from components.common.contracts import StoredModel
from components.models.engines.base import CHATS, FILES, HOME, EngineArgs, EngineService, Launch
from components.models.engines.front import Api, Front
from config.settings.models import TokenModelSettings

_PORT = 11434
_KV = {"auto": "f16", "q8_0": "q8_0"}
_LOAD_TIMEOUT = "0"
"""Never: the startup probe is what has patience, and knows how much."""

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
"""A blob that is there already is not copied, so the weights stay where they were verified."""


class Ollama(EngineService):
    """One model, which stays loaded."""

    kind = "ollama"

    def launch(self, args: EngineArgs) -> Launch:
        """The name is made before the server starts; its startup probe loads the weights."""
        settings, name = args.token_settings, args.served_name
        embeds = settings.task == "embed"
        return Launch(
            command=["ollama"],
            args=["serve"],
            front=Front(
                _PORT,
                (Api("/v1/embeddings"), Api("/v1/models")) if embeds else CHATS,
                "/api/version",  # the probes before it have loaded the model
                None,  # it has none
            ),
            environment=environment(settings),
            files={"Modelfile": modelfile(settings, args.weights)},
            prepare=_PREPARE.format(
                file=shlex.quote(gguf(settings, args.weights)), name=name, files=FILES
            ),
            first=() if embeds else ("ollama", "run", name, ""),
        )


def gguf(settings: TokenModelSettings, weights: StoredModel) -> str:
    """The file of the weights."""
    return f"{weights.path}/{settings.checkpoint.file}"


def modelfile(settings: TokenModelSettings, weights: StoredModel) -> str:
    """What the name stands for; the chat template is the one inside the GGUF file.

    https://docs.ollama.com/modelfile
    """
    return f"FROM {gguf(settings, weights)}\nPARAMETER num_ctx {settings.context_tokens}\n"


def environment(settings: TokenModelSettings) -> dict[str, str]:
    """How the server runs."""
    return {
        "HOME": HOME,
        "OLLAMA_HOST": f"127.0.0.1:{_PORT}",
        "OLLAMA_MODELS": f"{HOME}/models",
        "OLLAMA_FLASH_ATTENTION": "1",  # without it the KV cache is not quantised
        "OLLAMA_KV_CACHE_TYPE": _KV[settings.kv_cache_dtype],
        "OLLAMA_CONTEXT_LENGTH": str(settings.context_tokens),
        "OLLAMA_NUM_PARALLEL": str(settings.concurrency),
        "OLLAMA_MAX_QUEUE": str(settings.max_sequences),
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_LOAD_TIMEOUT": _LOAD_TIMEOUT,
        "OLLAMA_NOPRUNE": "1",  # the link must stay
        "OLLAMA_NOHISTORY": "1",
        "OLLAMA_NO_CLOUD": "1",
    }
