"""Open WebUI reads what it is told of speech and images."""

from pulumi import Output

from components.apps.open_webui_media import image_generation, speech
from components.common.contracts import ImageAccess
from components.common.network import Pods
from tests.conformance.peers import open_webui


def test_every_variable_of_speech_and_images_is_read() -> None:
    images = ImageAccess(
        url=Output.from_input("https://comfyui:8443"),
        api_key=Output.secret("key"),
        server=Pods("comfyui", "models"),
        port=8443,
        model="a.safetensors",
        size="1024x1024",
        steps=30,
        workflow="{}",
        nodes="[]",
    )
    told = {**speech("dictation", "voice"), **image_generation(images), "COMFYUI_API_KEY": "secret"}

    assert len(told) == 13
    assert set(told) <= open_webui.environment()
