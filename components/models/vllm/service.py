"""One model, served by vLLM in OpenAI's protocol."""

import json
from collections.abc import Mapping

from pulumi import Output, ResourceOptions
from pydantic import Field

from components.common import network, secrets
from components.common.args import Args
from components.common.component import Component, when_ready
from components.common.contracts import (
    GpuPlacement,
    ModelEndpoint,
    ScrapeTarget,
    StoredModel,
    Upstream,
)
from components.common.labels import Labels
from components.common.tier import Tier
from components.gpu.resource_claims import request
from components.models.vllm import leader_worker_set
from components.models.vllm.args import PORT, vllm_config
from components.models.vllm.autoscaler import Autoscaler, AutoscalerArgs
from components.models.vllm.endpoint_picker import MODEL, EndpointPicker, EndpointPickerArgs, part
from components.models.vllm.pod import PULL_SECONDS, ServedModel
from components.models.vllm.prefill import VllmPrefill, VllmPrefillArgs
from config.settings.models import TokenModelSettings


class VllmServiceArgs(Args):
    """A model to serve."""

    tier: Tier
    settings: TokenModelSettings
    served_name: str
    """The name that users ask for."""
    placement: GpuPlacement
    """Its GPUs."""
    weights: StoredModel
    extras: Mapping[str, StoredModel] = Field(default={})
    """What `settings.extra_files` names, by the same names."""
    hosts: int = 1
    """Nodes that one server spans; they are its own, whole."""
    prometheus: Upstream | None = None
    """Whom an autoscaler asks."""
    api_server_cidrs: list[str] = Field(default=[])
    """Where a picker watches which servers there are."""


class VllmService(Component):
    """Equal vLLM servers of one model; each has its GPUs for itself and reaches nobody else."""

    kind = "vllm"
    port = PORT

    endpoints: list[ModelEndpoint]
    """Of the model, then of its adapters: the same servers under other names."""
    metrics: ScrapeTarget

    def __init__(
        self, name: str, args: VllmServiceArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        self._args = args
        settings = args.settings
        self._split = settings.vllm.prefill_replicas > 0
        if self._split:
            self.labels = {**self.labels, **part(args.served_name, "decode")}
        members = f"{name}-members"
        api_key = secrets.password(self, f"{name}-api-key")
        self._model = ServedModel(
            tier=args.tier,
            settings=settings,
            served_name=args.served_name,
            placement=args.placement,
            weights=args.weights,
            extras=args.extras,
            hosts=args.hosts,
            configuration=secrets.files(
                self,
                name,
                args.tier.namespace,
                self.labels,
                {"vllm.yaml": api_key.apply(lambda key: json.dumps(vllm_config(key)))},
            ),
        )
        self._certificate = self.certificate(name, members)
        self._account = self.service_account()
        self._gpus = request(self, args.placement, self._model.gpus_per_pod)
        answering = leader_worker_set.LEADERS if args.hosts > 1 else None
        self.service({"https": self.port}, only=answering)
        self.service({"https": self.port}, name=members, headless=True, only=answering)
        workload = self._group() if args.hosts > 1 else self._deployment()
        if settings.vllm.media:
            media = settings.vllm.media
            network.reach_cidrs(self, "media", self.pods, media.cidrs, media.port)
        url = Output.format("https://{0}:{1}/v1", self.host(), self.port)
        front = Upstream(
            url=Output.all(workload, url).apply(lambda both: str(both[1])),
            server=self.pods,
            port=self.port,
        )
        if settings.vllm.routing == "prefix-aware":
            front = self._picked(front, answering)
        self.endpoints = [
            ModelEndpoint(
                name=served,
                task=settings.task,
                url=front.url,
                api_key=api_key,
                server=front.server,
                port=front.port,
                context_tokens=settings.context_tokens,
            )
            for served in (args.served_name, *settings.vllm.adapters)
        ]
        self.metrics = ScrapeTarget(
            job="vllm",
            server=self.pods,
            host=self.host(members),
            server_name=self.host(),
            port=self.port,
        )
        self.register_outputs({"url": front.url})

    @property
    def endpoint(self) -> ModelEndpoint:
        """Of the model itself."""
        return self.endpoints[0]

    @property
    def _spread(self) -> Labels | None:
        return self.pods.labels if self._args.settings.max_replicas > 1 else None

    @property
    def _servers(self) -> tuple[int, int]:
        """How many there are at first, and how many there may be."""
        scaling, replicas = self._args.settings.autoscaling, self._args.settings.replicas
        return (scaling.min, scaling.max) if scaling else (replicas, replicas)

    def _deployment(self) -> Output[str]:
        """Its name, known once every server is ready."""
        settings, model = self._args.settings, self._model
        fewest, most = self._servers
        prefill = settings.vllm.prefill_replicas
        workload = self.deployment(
            model.pod(
                "decode" if self._split else "whole",
                gpus=self._gpus,
                certificate=self._certificate,
                service_account=self._account,
                spread=self._spread,
            ),
            most,
            scaled=settings.autoscaling is not None,
            surge=False,  # no GPUs lie idle for a second copy
            ready_within_seconds=PULL_SECONDS + fewest * model.turn_seconds,
        )
        ready = when_ready(workload, workload.metadata.name)
        self._scale("apps/v1", "Deployment", ready)
        if not prefill:
            return ready
        return VllmPrefill(
            f"{self.name}-prefill",
            VllmPrefillArgs(tier=self.tier, model=model, replicas=prefill, decode=self.pods),
            self.child,
        ).ready_with(ready)

    def _group(self) -> Output[str]:
        """The name of the groups, known once every one is ready."""
        settings, model, hosts = self._args.settings, self._model, self._args.hosts
        fewest, most = self._servers
        # Any pod of a group that leaves takes the group with it: one at a time, of them all.
        self.disruption_budget(most * hosts)
        # NCCL and vLLM's own messages take ports as they find them. What they say is neither
        # encrypted nor authenticated (vLLM, docs/usage/security.md): nobody else is let in.
        network.connect(self, self.pods, self.pods)
        leader, worker = (
            model.pod(
                role,
                gpus=self._gpus,
                certificate=self._certificate,
                service_account=self._account,
                spread=None,  # a group takes whole nodes
            )
            for role in ("leader", "worker")
        )
        groups = leader_worker_set.leader_worker_set(
            self,
            leader,
            worker,
            groups=None if settings.autoscaling else fewest,
            size=hosts,
            ready_within_seconds=PULL_SECONDS + fewest * model.turn_seconds,
        )
        ready = Output.all(groups.id, self.name).apply(lambda both: str(both[1]))
        self._scale(leader_worker_set.API_VERSION, leader_worker_set.KIND, ready)
        return ready

    def _scale(self, api_version: str, kind: str, target: Output[str]) -> None:
        settings, prometheus = self._args.settings.autoscaling, self._args.prometheus
        if settings and prometheus:
            Autoscaler(
                f"{self.name}-autoscaler",
                AutoscalerArgs(
                    tier=self.tier,
                    settings=settings,
                    start_seconds=self._model.expected_start_seconds,
                    api_version=api_version,
                    kind_of_target=kind,
                    target=target,
                    component=self.name,
                    prometheus=prometheus,
                ),
                self.child,
            )

    def _picked(self, servers: Upstream, only: Labels | None) -> Upstream:
        """What stands before *servers* and chooses among them."""
        return EndpointPicker(
            f"{self.name}-picker",
            EndpointPickerArgs(
                tier=self.tier,
                servers=servers,
                server_name=self.host(),
                selector={MODEL: self._args.served_name}
                if self._split
                else {**self.pods.labels, **(only or {})},
                split=self._split,
                api_server_cidrs=self._args.api_server_cidrs,
                drain_seconds=self._args.settings.drain_seconds,
            ),
            self.child,
        ).upstream
