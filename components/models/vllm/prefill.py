"""Prefill servers of a model with disaggregated serving."""

from pulumi import Output, ResourceOptions

from components.common.args import Args
from components.common.component import Server, after
from components.common.network import Pods
from components.common.tier import Tier
from components.gpu.resource_claims import request
from components.models.vllm.args import PORT
from components.models.vllm.endpoint_picker import role_labels
from components.models.vllm.pod import VllmPods


class VllmPrefillArgs(Args):
    """Prefill servers for the decode servers of one model."""

    tier: Tier
    pods: VllmPods
    replicas: int
    decode: Pods
    """The decode servers."""


class VllmPrefill(Server):
    """Interchangeable vLLM servers that hand the KV cache of a prompt to a decode server.

    The cache itself goes over RDMA, which no NetworkPolicy sees, or over TCP on dynamic ports of
    UCX.
    """

    kind = "vllm"
    port = PORT

    def __init__(
        self, name: str, args: VllmPrefillArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        model = args.pods.model
        self.labels = {**self.labels, **role_labels(model.served_name, "prefill")}
        self._workload = self.deployment(
            args.pods.pod(
                "prefill",
                gpus=request(self, model.placement, model.gpus_per_pod),
                certificate=self.certificate(),
                service_account=self.service_account(),
                spread=self.pods.labels if args.replicas > 1 else None,
            ),
            args.replicas,
            surge=False,
            ready_within_seconds=model.startup.ready(args.replicas),
        )
        # The decode sidecar requests the prefill; then both exchange the cache, and the prefill
        # server is notified when its blocks have been transferred.
        self.tier.firewall.connect(args.decode, self.pods)
        self.tier.firewall.connect(self.pods, args.decode)
        self.register_outputs({})

    def ready_with(self, value: Output[str]) -> Output[str]:
        """*value*, known only once these servers are ready too."""
        return after(value, self._workload.metadata.name)
