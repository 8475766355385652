"""The programs that download and verify weights: in the cluster once, whatever the models."""

from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions

from components.common import scripts, secrets
from components.common.args import Args
from components.common.labels import labels
from components.common.tier import Tier
from weights.sources import MODULES, SourceKind

VERIFIER = ("__init__.py", "errors.py", "files.py", "manifest.py", "verify.py")
"""Modules of `weights`; few, since model servers restart when one of them changes."""


def fetcher(kind: SourceKind) -> tuple[str, ...]:
    """Modules that a download from a source of *kind* needs besides the verifier's."""
    return ("transport.py", "sources.py", f"{MODULES[kind]}.py", "fetch.py")


@dataclass(frozen=True)
class Programs:
    """Names of the ConfigMaps that hold the package `weights`; new with new content."""

    fetch: Output[str]
    """What the Jobs that download need besides `verify`."""
    verify: Output[str]
    """What the init containers of model servers need."""


class WeightsProgramsArgs(Args):
    """Where the programs are used."""

    tier: Tier
    """The tier of the model servers: a pod mounts ConfigMaps of its own namespace only."""
    kind: SourceKind
    """Of the source of all models: the cluster holds the programs for no other."""


class WeightsPrograms(ComponentResource):
    """Two ConfigMaps with the package `weights`: what verifies, and what downloads as well."""

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

        self.programs = Programs(
            config_map("fetch", fetcher(args.kind)), config_map("verify", VERIFIER)
        )
        self.register_outputs({"fetch": self.programs.fetch, "verify": self.programs.verify})
