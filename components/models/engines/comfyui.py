"""ComfyUI: image generation for the chat, through its own API; it has no OpenAI-compatible one.

Options: comfy/cli_args.py of ComfyUI. Calls: open_webui/utils/images/comfyui.py of Open WebUI.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pulumi import Output, ResourceOptions

from components.common.contracts import ImageAccess, ModelEndpoint
from components.models.engines.auth_proxy import AuthProxy, Location
from components.models.engines.base import FILES, HOME, OFFLINE, EngineService, Launch
from components.models.model_server import ModelServerArgs, ServedModel

_PORT = 8188
_PROGRAM = "/default-comfyui-bundle/ComfyUI/main.py"
"""Path in the image; the image's start script would copy it to a writable directory."""

_PATHS = (
    Location("/prompt"),
    Location("/history/"),
    Location("/view"),
    Location("/ws"),
    Location("/object_info"),
)
"""Paths that the chat calls; the rest changes queues, settings and files."""


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters of a model, from its model card."""

    steps: int
    guidance: float
    sampler: str
    scheduler: str


_SAMPLING: Mapping[str, Sampling] = {
    # black-forest-labs/FLUX.1-schnell: one to four steps, no guidance (ComfyUI's example: cfg 1).
    "flux1-schnell": Sampling(4, 1.0, "euler", "simple"),
}
_DEFAULT = Sampling(30, 7.0, "dpmpp_2m", "karras")
"""For Stable Diffusion XL and its derivatives; an assumption within common settings."""

_SIDE = 1024
"""Width and height in pixels; the training resolution of both."""


class ComfyUi(EngineService):
    """A queue of images on one GPU; stateless, so a restart drops generated images."""

    kind: ClassVar[str] = "comfyui"

    def __init__(
        self, name: str, args: ModelServerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        settings = args.model.settings
        file = settings.checkpoint.file or ""
        sampling = _SAMPLING.get(settings.model, _DEFAULT)
        self._images = ImageAccess(
            url=self.endpoint.url.apply(lambda url: url.removesuffix("/v1")),
            api_key=self.endpoint.api_key,
            server=self.pods,
            port=self.port,
            model=file,
            size=f"{_SIDE}x{_SIDE}",
            steps=sampling.steps,
            workflow=json.dumps(workflow(file, sampling)),
            nodes=json.dumps(NODES),
        )

    @property
    def endpoints(self) -> list[ModelEndpoint[Output[str]]]:
        """None: the router speaks OpenAI's API only."""
        return []

    @property
    def images(self) -> ImageAccess:
        """Image generation for the chat."""
        return self._images

    def launch(self, model: ServedModel) -> Launch:
        """No custom nodes, no nodes that call paid services, no prompts in image metadata."""
        return Launch(
            command=["python3", _PROGRAM],
            args=[
                *("--listen", "127.0.0.1"),
                *("--port", str(_PORT)),
                *("--base-directory", HOME),
                *("--extra-model-paths-config", f"{FILES}/models.yaml"),
                *("--database-url", "sqlite:///:memory:"),
                "--disable-auto-launch",
                "--disable-all-custom-nodes",
                "--disable-api-nodes",
                "--disable-metadata",
            ],
            proxy=AuthProxy(_PORT, _PATHS, "/system_stats", None),  # it has no metrics
            environment={
                **OFFLINE,
                "HOME": HOME,
                "USER": "comfyui",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            # JSON is YAML. `checkpoints` are files with all parts of a model.
            files={"models.yaml": json.dumps({"stack": {"checkpoints": model.weights.path}})},
        )


def workflow(file: str, sampling: Sampling) -> Mapping[str, Any]:
    """The workflow that generates an image with *file*; the chat sets the inputs of NODES."""

    def node(kind: str, **inputs: object) -> Mapping[str, Any]:
        return {"class_type": kind, "inputs": inputs}

    return {
        "3": node(
            "KSampler",
            seed=0,
            steps=sampling.steps,
            cfg=sampling.guidance,
            sampler_name=sampling.sampler,
            scheduler=sampling.scheduler,
            denoise=1,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "4": node("CheckpointLoaderSimple", ckpt_name=file),
        "5": node("EmptyLatentImage", width=_SIDE, height=_SIDE, batch_size=1),
        "6": node("CLIPTextEncode", text="", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="image", images=["8", 0]),
    }


NODES = [
    {"type": "prompt", "key": "text", "node_ids": ["6"]},
    {"type": "negative_prompt", "key": "text", "node_ids": ["7"]},
    {"type": "model", "key": "ckpt_name", "node_ids": ["4"]},
    {"type": "width", "key": "width", "node_ids": ["5"]},
    {"type": "height", "key": "height", "node_ids": ["5"]},
    {"type": "n", "key": "batch_size", "node_ids": ["5"]},
    {"type": "steps", "key": "steps", "node_ids": ["3"]},
    {"type": "seed", "key": "seed", "node_ids": ["3"]},
]
"""Inputs of the workflow that a request sets."""
