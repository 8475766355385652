"""Speaches: speech to text with Whisper, text to speech with Piper.

Variables: src/speaches/config.py. It knows a model by its repository, finds it in a cache of the
hub's layout, and reads in its card what it is for (src/speaches/hf_utils.py): that layout and that
card are made here, out of links to the verified files.
"""

from pathlib import PurePosixPath

from catalog.models import Checkpoint
from components.models.engines.base import FILES, HOME, OFFLINE, EngineArgs, EngineService, Launch
from components.models.engines.front import Api, Front
from config.settings.models import ModelSettings

_PORT = 8000
_HUB = f"{HOME}/hub"

_APIS = {
    "transcribe": (Api("/v1/audio/transcriptions"),),
    "speak": (Api("/v1/audio/speech"),),
}

_CARDS = {
    "transcribe": "library_name: ctranslate2\npipeline_tag: automatic-speech-recognition\n",
    "speak": "library_name: onnx\npipeline_tag: text-to-speech\ntags: [speaches, piper]\n",
}
"""By what src/speaches/executors/{whisper,piper}.py recognise a model of theirs."""

_PREPARE = """\
snapshot={hub}/models--{folder}/snapshots/{revision}
mkdir -p "$snapshot" {hub}/models--{folder}/refs
{links}
cp {files}/README.md "$snapshot/README.md"
printf %s {revision} > {hub}/models--{folder}/refs/main
"""


class Speaches(EngineService):
    """One model, loaded with the first request and kept."""

    kind = "speaches"

    def launch(self, args: EngineArgs) -> Launch:
        """Its web page stays off, and so does everything but the one task."""
        settings = args.settings
        repository = known_as(settings)
        return Launch(
            command=["uvicorn"],
            args=["--factory", "speaches.main:create_app", "--host=127.0.0.1", f"--port={_PORT}"],
            front=Front(_PORT, _APIS[settings.task], "/health", None),  # traces, but no metrics
            environment=environment(),
            known_as=repository,
            files={"README.md": card(settings)},
            prepare=_PREPARE.format(
                hub=_HUB,
                folder=repository.replace("/", "--"),
                revision=settings.checkpoint.revision,
                links=_links(settings.checkpoint, args.weights.path),
                files=FILES,
            ),
        )


def known_as(settings: ModelSettings) -> str:
    """The repository that it takes the model for.

    A voice of Piper is one file among many in its repository; Speaches wants one repository a
    voice, and reads language, name and quality out of what that is called.
    """
    checkpoint = settings.checkpoint
    if checkpoint.file is None:
        return checkpoint.repository
    return f"private-ai/piper-{PurePosixPath(checkpoint.file).stem}"


def _links(checkpoint: Checkpoint, weights: str) -> str:
    """Shell lines that show it the verified files under the names that it looks for."""
    if checkpoint.file is None:
        return f'for file in {weights}/*; do ln -sf "$file" "$snapshot/"; done'
    [config] = checkpoint.companion_files
    return (
        f'ln -sf {weights}/{checkpoint.file} "$snapshot/model.onnx"\n'
        f'ln -sf {weights}/{config} "$snapshot/config.json"'
    )


def card(settings: ModelSettings) -> str:
    """The head of a model card, which is all that is read of it."""
    return f"---\n{_CARDS[settings.task]}language: [fr]\n---\n"


def environment() -> dict[str, str]:
    """How the server runs; lower-case fields of its `Config`, written in capitals."""
    return {
        **OFFLINE,
        "HOME": HOME,
        "HF_HUB_CACHE": _HUB,
        "ENABLE_UI": "false",
        "LOG_LEVEL": "info",  # its default tells what was said
        "STT_MODEL_TTL": "-1",
        "TTS_MODEL_TTL": "-1",
        "WHISPER__INFERENCE_DEVICE": "cuda",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
