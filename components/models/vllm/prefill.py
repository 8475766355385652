"""The servers of a model that only read prompts, where reading and writing are split."""

from pulumi import Output, ResourceOptions

from components.common import network
from components.common.args import Args
from components.common.component import Component, when_ready
from components.common.network import Pods
from components.common.tier import Tier
from components.gpu.resource_claims import request
from components.models.vllm.args import PORT
from components.models.vllm.endpoint_picker import part
from components.models.vllm.pod import PULL_SECONDS, ServedModel


class VllmPrefillArgs(Args):
    """What reads prompts for the servers that write."""

    tier: Tier
    model: ServedModel
    replicas: int
    decode: Pods
    """Those that write."""


class VllmPrefill(Component):
    """Equal vLLM servers that hand the KV cache of a prompt to the server that writes the answer.

    The cache itself goes over RDMA, which no network policy sees, or over TCP on ports that UCX
    takes as it finds them.
    """

    kind = "vllm"
    port = PORT

    def __init__(
        self, name: str, args: VllmPrefillArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        self.labels = {**self.labels, **part(args.model.served_name, "prefill")}
        self._workload = self.deployment(
            args.model.pod(
                "prefill",
                gpus=request(self, args.model.placement, args.model.gpus_per_pod),
                certificate=self.certificate(),
                service_account=self.service_account(),
                spread=self.pods.labels if args.replicas > 1 else None,
            ),
            args.replicas,
            surge=False,
            ready_within_seconds=PULL_SECONDS + args.replicas * args.model.turn_seconds,
        )
        # The sidecar of who writes asks it to read; then the two exchange the cache, and who reads
        # is told when its blocks were taken.
        network.connect(self, args.decode, self.pods)
        network.connect(self, self.pods, args.decode)
        self.register_outputs({})

    def ready_with(self, value: Output[str]) -> Output[str]:
        """*value*, known only once these servers are ready too."""
        return when_ready(self._workload, value)
