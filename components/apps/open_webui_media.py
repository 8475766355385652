"""What Open WebUI is told of speech and images; no Pulumi resources here.

Every name is read by Open WebUI 0.11.4.
"""

from collections.abc import Mapping

from pulumi import Output

from components.common.contracts import ImageAccess

Environment = Mapping[str, str | Output[str]]


def speech(transcription_model: str | None, speech_model: str | None) -> Environment:
    """Where speech becomes text and text speech: at the router, which it asks for chats as well.

    Without *transcription_model* it would want a Whisper of its own, and not get it: there is no
    way to the hub. Without *speech_model* the browser's own voice reads.
    """
    told: dict[str, str] = {}
    if transcription_model is not None:
        told |= {"AUDIO_STT_ENGINE": "openai", "AUDIO_STT_MODEL": transcription_model}
    if speech_model is not None:
        told |= {"AUDIO_TTS_ENGINE": "openai", "AUDIO_TTS_MODEL": speech_model}
    return told


def pictures(images: ImageAccess | None) -> Environment:
    """The ComfyUI of the stack, if it has one; the key to it is in the secret environment."""
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
