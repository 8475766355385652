"""The weights of one model on a volume: one commit, every byte verified, many readers."""

import json
from math import ceil

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components import network, scripts, secrets
from components.args import Args, Late
from components.component import Component
from components.contracts import StoredModel
from components.labels import SKIP_AWAIT
from components.pod import Mount, config_files, container, disk, scratch, secret_files
from components.task import pods_of, run_once
from components.tier import Tier
from config.model_store import ModelStoreSettings
from config.models import ModelSettings
from config.quantity import Resources, parse

_ROOT = "/models"
_CONFIG = "/etc/fetch"
_TOKEN = "/run/secrets/hub"  # noqa: S105 - a path
_REVISIONS = 2
"""On the volume at once: the one that is served, and the next while it is downloaded."""
_MARGIN = 1.1
"""File system and tokenizer over the weights; ext4 alone reserves 5 %."""
_GIB = 1024**3
_SLACK_SECONDS = 600
"""For pulling the image, binding the volume, and files that are not weights."""


class ModelStoreArgs(Args):
    """The weights of one model."""

    tier: Tier
    """Of the pods that read them: a volume belongs to one namespace."""
    settings: ModelStoreSettings
    model: ModelSettings
    shared_storage_class: str
    """ReadWriteMany."""
    token: Late[str] | None = None
    """For repositories that the hub does not give to everyone: a secret."""


class ModelStore(Component):
    """A volume, and the Job that fills it; nothing else of the stack reaches the hub."""

    kind = "model-store"

    stored: StoredModel

    def __init__(
        self, name: str, args: ModelStoreArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        size = args.model.stored_bytes
        claim = k8s.core.v1.PersistentVolumeClaim(
            name,
            # The Job is awaited. A claim that binds with its first pod would be awaited in vain,
            # and one that is bound already as long as the provider has patience.
            metadata={**self.metadata(), "annotations": SKIP_AWAIT},
            spec={
                "access_modes": ["ReadWriteMany"],
                "storage_class_name": args.shared_storage_class,
                "resources": {"requests": {"storage": volume_size(size)}},
            },
            opts=self.stateful,
        )
        fetched = self._fetch(args, claim.metadata.name)
        self.stored = StoredModel(
            claim=Output.all(claim.metadata.name, fetched).apply(lambda both: str(both[0])),
            path=f"{_ROOT}/{args.model.checkpoint.revision}",
            root=_ROOT,
            size_bytes=size,
            read_rate=int(parse(args.settings.read_rate)),
        )
        self.register_outputs({"claim": self.stored.claim})

    def _fetch(self, args: ModelStoreArgs, claim: Output[str]) -> Output[str]:
        """The Job's name, known once the model is on *claim*, verified."""
        step = "fetch"
        client = pods_of(self, step)
        network.reach_cidrs(self, "hub", client, args.settings.cidrs, *args.settings.ports)
        request = json.dumps(fetch_request(args.settings, args.model), indent=2)
        files = secrets.config(
            self,
            client.name,
            self.tier.namespace,
            self.labels,
            {"request.json": request, "fetch_model.py": scripts.source("fetch_model.py")},
        )
        mounts: list[Mount] = [
            config_files("config", files, _CONFIG),
            disk("models", claim, _ROOT),
            scratch("tmp", "/tmp"),  # noqa: S108 - a path inside the container
        ]
        words = [f"{_CONFIG}/fetch_model.py", f"{_CONFIG}/request.json"]
        if args.token is not None:
            token = secrets.files(
                self, client.name, self.tier.namespace, self.labels, {"token": args.token}
            )
            mounts.append(secret_files("token", token, _TOKEN))
            words.append(f"{_TOKEN}/token")
        fetch = container(
            step,
            self.tier.image("python"),
            Resources.of("500m", "256Mi", max_cpu="2", max_memory="1Gi"),
            command=["python"],
            args=words,
            mounts=mounts,
        )
        seconds = ceil(args.model.stored_bytes / parse(args.settings.download_rate))
        return run_once(
            self,
            step,
            fetch,
            mounts,
            service_account=self.service_account(),
            deadline_seconds=seconds + _SLACK_SECONDS,
        )


def volume_size(weights_bytes: int) -> str:
    """The storage to ask for, so that one revision of *weights_bytes* can follow another."""
    return f"{ceil(weights_bytes * _MARGIN * _REVISIONS / _GIB)}Gi"


def fetch_request(settings: ModelStoreSettings, model: ModelSettings) -> dict[str, object]:
    """What `scripts/fetch_model.py` is asked for."""
    checkpoint = model.checkpoint
    return {
        "endpoint": settings.endpoint,
        "repository": checkpoint.repository,
        "revision": checkpoint.revision,
        "sha256": model.sha256,
        "pickle": not checkpoint.safetensors,
        "volume": _ROOT,
    }
