"""The programs that download and verify weights: in the cluster once, whatever the models."""

from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions

from components.common import scripts, secrets
from components.common.args import Args
from components.common.labels import labels
from components.common.tier import Tier

VERIFIER = ("__init__.py", "files.py", "manifest.py", "verify.py")
FETCHER = (*VERIFIER[:-1], "transport.py", "s3.py", "oci.py", "sources.py", "fetch.py")
"""Modules of `weights`. The verifier's are few: model servers roll when one of them changes."""


@dataclass(frozen=True)
class Programs:
    """Names of the ConfigMaps that hold the package `weights`; new with new content."""

    fetch: Output[str]
    """For the Jobs that download."""
    verify: Output[str]
    """For the init containers of model servers."""


class WeightsProgramsArgs(Args):
    """Where the programs are used."""

    tier: Tier
    """The tier of the model servers: a pod mounts ConfigMaps of its own namespace only."""


class WeightsPrograms(ComponentResource):
    """Two ConfigMaps, with the parts of the package `weights` that each use needs."""

    programs: Programs

    def __init__(
        self, name: str, args: WeightsProgramsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(f"private-ai:index:{type(self).__name__}", name, {}, opts)

        def config_map(use: str, modules: tuple[str, ...]) -> Output[str]:
            return secrets.config(
                self,
                f"{name}-{use}",
                args.tier.namespace,
                labels("weights-programs", name),
                scripts.sources("weights", modules),
            )

        self.programs = Programs(config_map("fetch", FETCHER), config_map("verify", VERIFIER))
        self.register_outputs({"fetch": self.programs.fetch, "verify": self.programs.verify})
