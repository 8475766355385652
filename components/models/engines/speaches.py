"""Speaches: speech to text with Whisper, text to speech with Piper.

Variables: src/speaches/config.py. It identifies a model by its repository, looks it up in a cache
with the hub's layout, and reads the task from its model card (src/speaches/hf_utils.py): this
module generates that layout and card, with links to the verified files.
"""

from pathlib import PurePosixPath

from catalog.models import Checkpoint
from components.models.engines.auth_proxy import AuthProxy, Location
from components.models.engines.base import FILES, HOME, OFFLINE, EngineService, Launch
from components.models.model_server import ServedModel
from config.settings.models import ModelSettings

_PORT = 8000
_HUB = f"{HOME}/hub"

_APIS = {
    "transcribe": (Location("/v1/audio/transcriptions"),),
    "speak": (Location("/v1/audio/speech"),),
}

_CARDS = {
    "transcribe": "library_name: ctranslate2\npipeline_tag: automatic-speech-recognition\n",
    "speak": "library_name: onnx\npipeline_tag: text-to-speech\ntags: [speaches, piper]\n",
}
"""Card fields by which src/speaches/executors/{whisper,piper}.py recognize a model."""

_PREPARE = """\
snapshot={hub}/models--{folder}/snapshots/{revision}
mkdir -p "$snapshot" {hub}/models--{folder}/refs
{links}
cp {files}/README.md "$snapshot/README.md"
printf %s {revision} > {hub}/models--{folder}/refs/main
"""


class Speaches(EngineService):
    """One model, loaded with the first request and kept loaded."""

    kind = "speaches"

    def launch(self, model: ServedModel) -> Launch:
        """Only the one task is reachable; the web UI is off."""
        settings = model.settings
        repository = repository_name(settings)
        return Launch(
            command=["uvicorn"],
            args=["--factory", "speaches.main:create_app", "--host=127.0.0.1", f"--port={_PORT}"],
            proxy=AuthProxy(_PORT, _APIS[settings.task], "/health", None),  # traces, but no metrics
            environment=environment(),
            upstream_name=repository,
            files={"README.md": card(settings)},
            prepare=_PREPARE.format(
                hub=_HUB,
                folder=repository.replace("/", "--"),
                revision=settings.checkpoint.revision,
                links=_links(settings.checkpoint, model.weights.path),
                files=FILES,
            ),
        )


def repository_name(settings: ModelSettings) -> str:
    """Repository name that Speaches identifies the model by.

    A Piper voice is one of many files in its repository; Speaches expects one repository per voice,
    and parses language, name and quality from the repository name.
    """
    checkpoint = settings.checkpoint
    if checkpoint.file is None:
        return checkpoint.repository
    return f"private-ai/piper-{PurePosixPath(checkpoint.file).stem}"


def _links(checkpoint: Checkpoint, weights: str) -> str:
    """Shell commands that link the verified files under the names that Speaches expects."""
    if checkpoint.file is None:
        return f'for file in {weights}/*; do ln -sf "$file" "$snapshot/"; done'
    [config] = checkpoint.companion_files
    return (
        f'ln -sf {weights}/{checkpoint.file} "$snapshot/model.onnx"\n'
        f'ln -sf {weights}/{config} "$snapshot/config.json"'
    )


def card(settings: ModelSettings) -> str:
    """Front matter of a model card, the only part that Speaches reads."""
    return f"---\n{_CARDS[settings.task]}language: [fr]\n---\n"


def environment() -> dict[str, str]:
    """Environment of the server: fields of its `Config` in upper case."""
    return {
        **OFFLINE,
        "HOME": HOME,
        "HF_HUB_CACHE": _HUB,
        "ENABLE_UI": "false",
        "LOG_LEVEL": "info",  # its default, debug, logs transcripts
        "STT_MODEL_TTL": "-1",
        "TTS_MODEL_TTL": "-1",
        "WHISPER__INFERENCE_DEVICE": "cuda",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
