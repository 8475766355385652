"""Open WebUI's settings for speech and images; no Pulumi resources here.

Every name is read by Open WebUI 0.11.4.
"""

from collections.abc import Mapping

from pulumi import Output

from components.common.contracts import ImageAccess

Environment = Mapping[str, str | Output[str]]


def speech(transcription_model: str | None, speech_model: str | None) -> Environment:
    """Speech-to-text and text-to-speech through the router, as for chats.

    Without *transcription_model* Open WebUI would download a Whisper model, which the network
    blocks. Without *speech_model* the browser's own voice is used.
    """
    settings: dict[str, str] = {}
    if transcription_model is not None:
        settings |= {"AUDIO_STT_ENGINE": "openai", "AUDIO_STT_MODEL": transcription_model}
    if speech_model is not None:
        settings |= {"AUDIO_TTS_ENGINE": "openai", "AUDIO_TTS_MODEL": speech_model}
    return settings


def image_generation(images: ImageAccess | None) -> Environment:
    """The ComfyUI of the stack, if any; its API key is in the secret environment."""
    if images is None:
        return {}
    return {
        "ENABLE_IMAGE_GENERATION": "True",
        "IMAGE_GENERATION_ENGINE": "comfyui",
        "IMAGE_GENERATION_MODEL": images.model,
        "IMAGE_SIZE": images.size,
        "IMAGE_STEPS": str(images.steps),
        "COMFYUI_BASE_URL": images.url,
        "COMFYUI_WORKFLOW": images.workflow,
        "COMFYUI_WORKFLOW_NODES": images.nodes,
    }
