"""The weights of one model on a volume: one commit, every byte verified, many readers."""

from math import ceil

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from base.quantity import parse
from base.units import GIB
from components.common import secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Component, after
from components.common.contracts import StoredModel
from components.common.json_text import json_argument
from components.common.labels import SKIP_AWAIT
from components.common.pod import (
    Mount,
    config_files,
    container,
    disk,
    merged_config_files,
    secret_files,
    tmp,
)
from components.common.task import pods_of, run_once
from components.common.tier import Tier
from components.models.verified_weights import PROGRAM, PYTHON, STAMPS_FOLDER
from components.models.weights_programs import Programs
from config import footprints
from config.settings.model_store import ModelStoreSettings
from config.settings.models import ModelSettings
from config.settings.vllm import HubFiles
from weights.fetch import EXIT_PERMANENT

_AUTHORITY, _AUTHORITY_FILE = "/etc/fetch", "authority.pem"
_TOKEN = "/run/secrets/hub"  # noqa: S105 - a path
_REVISIONS = 2
"""On the volume at once: the one that is served, and the next while it is downloaded."""
_MARGIN = 1.1
"""File system and tokenizer over the weights; ext4 alone reserves 5 %."""
_SLACK_SECONDS = 600
"""For pulling the image, binding the volume, and files that are not weights."""


class ModelStoreArgs(Args):
    """The weights of one model."""

    tier: Tier
    """Of the pods that read them: a volume belongs to one namespace."""
    settings: ModelStoreSettings
    model: ModelSettings | HubFiles
    shared_storage_class: str
    """ReadWriteMany."""
    programs: Programs
    """What downloads the weights, and what verifies them before each start of a server."""
    token: MaybeOutput[str] | None = None
    """What the source asks for: a secret."""
    root: str = "/models"
    """Where pods mount the volume; one of its own for each of several in a pod."""


class ModelStore(Component):
    """A volume, and the Job that fills it; nothing else of the stack reaches the source."""

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
            opts=self.stateful_opts,
        )
        fetched = self._fetch(args, claim.metadata.name)
        path = f"{args.root}/{args.model.checkpoint.revision}"
        self.stored = StoredModel(
            claim=after(claim.metadata.name, fetched),
            path=path,
            root=args.root,
            verifier=args.programs.verify,
            expected=json_argument(expected(args.model, path)),
            size_bytes=size,
            read_rate=int(parse(args.settings.read_rate)),
        )
        self.register_outputs({"claim": self.stored.claim})

    def _fetch(self, args: ModelStoreArgs, claim: Output[str]) -> Output[str]:
        """The Job's name, known once the model is on *claim*, verified."""
        step = "fetch"
        client = pods_of(self, step)
        settings = args.settings
        self.tier.firewall.reach_cidrs(client, settings.cidrs, *settings.ports)
        mounts: list[Mount] = [
            merged_config_files(
                "program", (args.programs.verify, args.programs.fetch), f"{PROGRAM}/weights"
            ),
            disk("models", claim, args.root),
            tmp(),
        ]
        words = [json_argument(fetch_request(settings, args.model, args.root))]
        if settings.authority:
            authority = secrets.config(
                self,
                client.name,
                self.tier.namespace,
                self.labels,
                {_AUTHORITY_FILE: settings.authority},
            )
            mounts.append(config_files("authority", authority, _AUTHORITY))
        if args.token is not None:
            token = secrets.files(
                self, client.name, self.tier.namespace, self.labels, {"token": args.token}
            )
            mounts.append(secret_files("token", token, _TOKEN))
            words.append(f"{_TOKEN}/token")
        fetch = container(
            step,
            self.tier.image("python"),
            footprints.FETCH,
            command=["python", "-m", "weights.fetch"],
            args=words,
            env={**PYTHON, **({"HTTPS_PROXY": settings.proxy} if settings.proxy else {})},
            mounts=mounts,
        )
        # So that the name of a wrong file is in the pod's state, and not in its log alone.
        fetch["termination_message_policy"] = "FallbackToLogsOnError"
        seconds = ceil(args.model.stored_bytes / parse(settings.download_rate))
        return run_once(
            self,
            step,
            fetch,
            mounts,
            service_account=self.service_account(),
            deadline_seconds=seconds + _SLACK_SECONDS,
            final_exit_code=EXIT_PERMANENT,
        )


def volume_size(weights_bytes: int) -> str:
    """The storage to ask for, so that one revision of *weights_bytes* can follow another."""
    return f"{ceil(weights_bytes * _MARGIN * _REVISIONS / GIB)}Gi"


def expected(model: ModelSettings | HubFiles, folder: str) -> dict[str, object]:
    """The argument of `weights/verify.py`, for the model in *folder*."""
    checkpoint = model.checkpoint
    return {
        "folder": folder,
        "repository": checkpoint.repository,
        "revision": checkpoint.revision,
        "sha256": model.sha256,
    }


def fetch_request(
    settings: ModelStoreSettings, model: ModelSettings | HubFiles, root: str
) -> dict[str, object]:
    """The argument of `weights/fetch.py`."""
    checkpoint = model.checkpoint
    selection = checkpoint.selection(model.sha256)
    return {
        "source": settings.source.model_dump(),
        "authority": f"{_AUTHORITY}/{_AUTHORITY_FILE}" if settings.authority else "",
        "repository": checkpoint.repository,
        "revision": checkpoint.revision,
        "only": selection.only,
        "pickles": selection.pickles,
        "sha256": selection.sha256,
        "volume": root,
        "stamps": f"{root}/{STAMPS_FOLDER}",
    }
