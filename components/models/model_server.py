"""Model servers: the model they serve, their interface to the stack, their timing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal, Protocol

from pulumi import Output, ResourceOptions
from pydantic import Field

from base.units import MIB
from components.common.args import Args
from components.common.contracts import (
    GpuPlacement,
    ImageAccess,
    ModelEndpoint,
    ScrapeTarget,
    StoredModel,
    Upstream,
)
from components.common.pod import Mount, scratch
from components.common.tier import Tier
from config.settings.models import ModelSettings, TokenModelSettings, token_settings
from sizing.startup import StartupBudget, startup_seconds

PRE_STOP_SECONDS = 15
"""Until every proxy has removed a terminating pod from its endpoints; llm-d and KServe use 15 s."""
_EXIT_SECONDS = 15
"""From the end of the drain to the end of the process; llm-d's 75 s are 15 + 45 + 15."""

Role = Literal["standalone", "leader", "worker", "prefill", "decode"]
"""`standalone`: one server, one pod. `leader` and `worker`: pods of a multi-node server.
`prefill` and `decode`: servers of disaggregated serving."""


@dataclass(frozen=True)
class ServedModel:
    """One model with everything that its servers are started from."""

    settings: ModelSettings
    served_name: str
    """Model name in requests."""
    placement: GpuPlacement
    weights: StoredModel
    extras: Mapping[str, StoredModel] = field(default_factory=dict[str, StoredModel])
    """Draft model and adapters, by their names in `ModelSettings.extra_files`."""
    hosts: int = 1
    """Nodes per server; a multi-node server takes whole nodes."""
    role: Role = "standalone"

    @property
    def token_settings(self) -> TokenModelSettings:
        """The settings, for an engine of token models only; raises TypeError for another model."""
        return token_settings(self.served_name, self.settings)

    @property
    def gpus_per_pod(self) -> int:
        """Devices of the pool that each pod requests."""
        return self.settings.gpus // self.hosts

    @property
    def expected_start_seconds(self) -> int:
        """Estimated time from the start of a server to its first answer."""
        size = sum(stored.size_bytes for stored in (self.weights, *self.extras.values()))
        return startup_seconds(size, self.weights.read_rate)

    @property
    def startup(self) -> StartupBudget:
        """What each step of a start may take."""
        stored = (self.weights, *self.extras.values())
        return StartupBudget(
            verify=sum(ceil(each.size_bytes / each.read_rate) for each in stored),
            load=self.expected_start_seconds,
            stop=grace_seconds(self.settings),
            pods=self.hosts,
        )


class ModelServerArgs(Args):
    """A model, and the parts of the stack that its servers use."""

    tier: Tier
    model: ServedModel
    prometheus: Upstream | None = None
    """Prometheus that an autoscaler queries."""
    api_server_cidrs: list[str] = Field(default=[])
    """Addresses of the Kubernetes API server, which an endpoint picker watches."""


class ModelServer(Protocol):
    """The servers of one model, whatever the engine."""

    def __init__(
        self, name: str, args: ModelServerArgs, opts: ResourceOptions | None = None
    ) -> None: ...

    @property
    def endpoints(self) -> Sequence[ModelEndpoint[Output[str]]]:
        """Models that the router can route to: the model and its adapters."""
        ...

    @property
    def images(self) -> ImageAccess | None:
        """Image generation, which the chat calls without the router."""
        ...

    @property
    def metrics(self) -> ScrapeTarget | None:
        """Metrics of the servers; None for an engine that exports none."""
        ...


def grace_seconds(settings: ModelSettings) -> int:
    """Termination grace period: endpoint removal, drain, and exit of the process."""
    return PRE_STOP_SECONDS + settings.drain_seconds + _EXIT_SECONDS


def shared_memory(size_bytes: int) -> Mount:
    """`/dev/shm` of *size_bytes*, for tensors that several processes share."""
    return scratch("shm", "/dev/shm", f"{size_bytes // MIB}Mi", in_memory=True)  # noqa: S108
