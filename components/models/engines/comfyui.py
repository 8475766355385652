"""ComfyUI: images, for the chat, which speaks its API; it has none of OpenAI's.

Options: comfy/cli_args.py of ComfyUI. Calls: open_webui/utils/images/comfyui.py of Open WebUI.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pulumi import ResourceOptions

from components.common.contracts import ImageAccess
from components.models.engines.base import FILES, HOME, OFFLINE, EngineArgs, EngineService, Launch
from components.models.engines.front import Api, Front

_PORT = 8188
_PROGRAM = "/default-comfyui-bundle/ComfyUI/main.py"
"""Where the image holds it; its own start script copies it to a place that can be written."""

_PATHS = (Api("/prompt"), Api("/history/"), Api("/view"), Api("/ws"), Api("/object_info"))
"""What the chat calls; the rest changes queues, settings and files."""


@dataclass(frozen=True)
class Sampling:
    """How a model makes an image, as its authors' card has it."""

    steps: int
    guidance: float
    sampler: str
    scheduler: str


_SAMPLING: Mapping[str, Sampling] = {
    # black-forest-labs/FLUX.1-schnell: one to four steps, no guidance (ComfyUI's example: cfg 1).
    "flux1-schnell": Sampling(4, 1.0, "euler", "simple"),
}
_USUAL = Sampling(30, 7.0, "dpmpp_2m", "karras")
"""Of Stable Diffusion XL and its like; an assumption within what its users have."""

_SIDE = 1024
"""Pixels; what both were trained on."""


class ComfyUi(EngineService):
    """A queue of images on one GPU; without state, so a restart forgets what it made."""

    kind: ClassVar[str] = "comfyui"

    images: ImageAccess

    def __init__(self, name: str, args: EngineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        file = args.settings.checkpoint.file or ""
        sampling = _SAMPLING.get(args.settings.model, _USUAL)
        self.images = ImageAccess(
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

    def launch(self, args: EngineArgs) -> Launch:
        """No custom nodes, no nodes that call paid services, no prompt in a file's metadata."""
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
            front=Front(_PORT, _PATHS, "/system_stats", None),  # it has no metrics
            environment={
                **OFFLINE,
                "HOME": HOME,
                "USER": "comfyui",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            # JSON is YAML. `checkpoints` are files with everything in them.
            files={"models.yaml": json.dumps({"stack": {"checkpoints": args.weights.path}})},
        )


def workflow(file: str, sampling: Sampling) -> Mapping[str, Any]:
    """The graph of nodes that makes an image from *file*; the chat fills in what NODES names."""

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
"""What of the graph belongs to a request."""
