"""One model, served by vLLM over an OpenAI-compatible API."""

import json

from pulumi import Output, ResourceOptions

from components.common import secrets
from components.common.component import Server, after
from components.common.contracts import ImageAccess, ModelEndpoint, ScrapeTarget, Upstream
from components.common.labels import Labels
from components.gpu.resource_claims import request
from components.models.model_server import ModelServerArgs
from components.models.vllm import leader_worker_set
from components.models.vllm.args import PORT, vllm_config
from components.models.vllm.autoscaler import Autoscaler, AutoscalerArgs
from components.models.vllm.endpoint_picker import (
    MODEL,
    EndpointPicker,
    EndpointPickerArgs,
    role_labels,
)
from components.models.vllm.pod import VllmPods
from components.models.vllm.prefill import VllmPrefill, VllmPrefillArgs


class VllmService(Server):
    """Interchangeable vLLM servers of one model, each with GPUs of its own and no way out."""

    kind = "vllm"
    port = PORT

    endpoints: list[ModelEndpoint[Output[str]]]
    """The model, then its adapters: the same servers under other names."""
    images: ImageAccess | None = None
    metrics: ScrapeTarget

    def __init__(
        self, name: str, args: ModelServerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        self._args, self._model = args, args.model
        settings, hosts = self._model.settings, self._model.hosts
        self._split = settings.vllm.prefill_replicas > 0
        if self._split:
            self.labels = {**self.labels, **role_labels(self._model.served_name, "decode")}
        api_key = secrets.password(self, f"{name}-api-key")
        self._pods = VllmPods(
            args.tier,
            self._model,
            secrets.files(
                self,
                name,
                args.tier.namespace,
                self.labels,
                {"vllm.yaml": api_key.apply(lambda key: json.dumps(vllm_config(key)))},
            ),
        )
        self._certificate = self.certificate(name, self.members)
        self._account = self.service_account()
        self._gpus = request(self, self._model.placement, self._model.gpus_per_pod)
        answering = leader_worker_set.LEADERS if hosts > 1 else None
        self.service({"https": self.port}, only=answering)
        self.service({"https": self.port}, name=self.members, headless=True, only=answering)
        ready = self._group() if hosts > 1 else self._deployment()
        if settings.vllm.media:
            media = settings.vllm.media
            self.tier.firewall.reach_cidrs(self.pods, media.cidrs, media.port)
        upstream = Upstream(url=self.https_url(ready, path="/v1"), server=self.pods, port=self.port)
        if settings.vllm.routing == "prefix-aware":
            upstream = self._picker(upstream, answering)
        self.endpoints = [
            ModelEndpoint(
                name=served,
                task=settings.task,
                url=upstream.url,
                api_key=api_key,
                server=upstream.server,
                port=upstream.port,
                context_tokens=self._model.token_settings.context_tokens,
            )
            for served in (self._model.served_name, *settings.vllm.adapters)
        ]
        self.metrics = self.scrape_target(self.port)
        self.register_outputs({"url": upstream.url})

    @property
    def _spread(self) -> Labels | None:
        return self.pods.labels if self._model.settings.max_replicas > 1 else None

    @property
    def _replicas(self) -> tuple[int, int]:
        """Initial and maximum number of servers."""
        scaling, replicas = self._model.settings.autoscaling, self._model.settings.replicas
        return (scaling.min, scaling.max) if scaling else (replicas, replicas)

    def _deployment(self) -> Output[str]:
        """Name of the Deployment, known once every server is ready."""
        settings = self._model.settings
        fewest, most = self._replicas
        prefill = settings.vllm.prefill_replicas
        workload = self.deployment(
            self._pods.pod(
                "decode" if self._split else "standalone",
                gpus=self._gpus,
                certificate=self._certificate,
                service_account=self._account,
                spread=self._spread,
            ),
            most,
            scaled=settings.autoscaling is not None,
            surge=False,  # no GPUs are reserved for a second copy
            ready_within_seconds=self._model.startup.ready(fewest),
        )
        ready = workload.metadata.name
        self._scale("apps/v1", "Deployment", ready)
        if not prefill:
            return ready
        return VllmPrefill(
            f"{self.name}-prefill",
            VllmPrefillArgs(tier=self.tier, pods=self._pods, replicas=prefill, decode=self.pods),
            self.child_opts,
        ).ready_with(ready)

    def _group(self) -> Output[str]:
        """Name of the LeaderWorkerSet, known once every group is ready."""
        settings, hosts = self._model.settings, self._model.hosts
        fewest, most = self._replicas
        # Losing any pod restarts its whole group: one disruption at a time over all groups.
        self.disruption_budget(most * hosts)
        # NCCL and vLLM use dynamic ports. Their traffic is neither encrypted nor authenticated
        # (vLLM, docs/usage/security.md): only the pods of this model are admitted.
        self.tier.firewall.connect(self.pods, self.pods)
        leader, worker = (
            self._pods.pod(
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
            ready_within_seconds=self._model.startup.ready(fewest),
        )
        ready = after(Output.from_input(self.name), groups.id)
        self._scale(leader_worker_set.API_VERSION, leader_worker_set.KIND, ready)
        return ready

    def _scale(self, api_version: str, kind: str, target: Output[str]) -> None:
        settings, prometheus = self._model.settings.autoscaling, self._args.prometheus
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
                self.child_opts,
            )

    def _picker(self, servers: Upstream, only: Labels | None) -> Upstream:
        """An endpoint picker that chooses among *servers*."""
        return EndpointPicker(
            f"{self.name}-picker",
            EndpointPickerArgs(
                tier=self.tier,
                servers=servers,
                server_name=self.host(),
                selector={MODEL: self._model.served_name}
                if self._split
                else {**self.pods.labels, **(only or {})},
                split=self._split,
                api_server_cidrs=self._args.api_server_cidrs,
                drain_seconds=self._model.settings.drain_seconds,
            ),
            self.child_opts,
        ).upstream
