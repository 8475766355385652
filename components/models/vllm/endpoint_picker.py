"""Chooses, for each request, the server that has read its beginning already and is not busy."""

import json
from collections.abc import Sequence
from typing import Literal

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from base.quantity import Resources
from components.common import network, probes, secrets
from components.common.args import Args, Late
from components.common.component import TLS_PATH, Component, when_ready
from components.common.contracts import Upstream
from components.common.labels import DOMAIN, Labels
from components.common.network import Pods
from components.common.pod import Mount, config_files, container, pod, scratch
from components.common.tier import Tier
from components.models.vllm.picker_config import HEALTH, PORT, READY, picker_config, proxy_config

_CONFIG = "/etc/picker"
_REPLICAS = 2
"""Each remembers what it sent where; one alone would be a point of failure for all servers."""
_API_SERVER = (443, 6443)
_PRE_STOP_SECONDS = 15

MODEL = f"{DOMAIN}/model"
"""Label of all servers of a model, whatever their part."""
ROLE = "llm-d.ai/role"
"""Label that says their part: `prefill` or `decode`."""

Role = Literal["prefill", "decode"]

_PROXY = Resources.of("500m", "256Mi", max_cpu="4", max_memory="1Gi")
_PICKER = Resources.of("1", "512Mi", max_cpu="8", max_memory="8Gi")
"""Assumptions to measure; llm-d's chart reserves 8 cores and 8 GiB, for hundreds of servers."""


def part(served_name: str, role: Role) -> Labels:
    """The labels of a server of *served_name* that plays *role*."""
    return {MODEL: served_name, ROLE: role}


class EndpointPickerArgs(Args):
    """What chooses among the servers of one model."""

    tier: Tier
    servers: Upstream
    """Those that answer; `url` known once they do."""
    server_name: Late[str]
    """The name that their certificates are valid for."""
    selector: Labels
    """Of every pod it looks at."""
    split: bool
    """Whether some of them only read prompts."""
    api_server_cidrs: list[str]
    drain_seconds: int


class EndpointPicker(Component):
    """A proxy that asks a picker beside it; both forget everything when they go."""

    kind = "endpoint-picker"
    port = PORT

    upstream: Upstream
    """`url` ends in `/v1`, as that of the servers does."""

    def __init__(
        self, name: str, args: EndpointPickerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        configuration = secrets.config(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {
                "picker.yaml": json.dumps(picker_config(split=args.split), indent=2),
                "envoy.yaml": Output.from_input(args.server_name).apply(
                    lambda server: json.dumps(proxy_config(server), indent=2)
                ),
            },
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            self.certificate(),
            scratch("tmp", "/tmp"),  # noqa: S108 - a path inside the container
        ]
        ready = probes.https(READY, PORT)
        proxy = container(
            "proxy",
            args.tier.image("envoy"),
            _PROXY,
            command=["envoy"],
            args=[
                *("-c", f"{_CONFIG}/envoy.yaml"),
                *("--log-level", "warn"),
                *("--drain-time-s", str(args.drain_seconds)),
            ],
            ports={"https": PORT},
            mounts=mounts,
            readiness=ready,
            liveness={**ready, "failure_threshold": 6},
            pre_stop_seconds=_PRE_STOP_SECONDS + args.drain_seconds,
        )
        spec = pod(
            [proxy, self._picker(args, mounts)],
            mounts,
            service_account=self._watcher(),
            priority_class=args.tier.priority_class,
            grace_seconds=2 * _PRE_STOP_SECONDS + args.drain_seconds,
            spread=self.pods.labels,
        )
        spec["automount_service_account_token"] = True  # it watches which servers there are
        workload = self.deployment(spec, _REPLICAS)
        self.service({"https": PORT})
        servers = Pods(f"{name}-servers", args.tier.namespace, args.selector, self)
        network.connect(self, self.pods, servers, args.servers.port)
        network.reach_cidrs(self, "api-server", self.pods, args.api_server_cidrs, *_API_SERVER)
        url = Output.format("https://{0}:{1}/v1", self.host(), PORT)
        self.upstream = Upstream(
            url=Output.all(when_ready(workload, url), args.servers.url).apply(
                lambda both: str(both[0])
            ),
            server=self.pods,
            port=PORT,
        )
        self.register_outputs({"url": self.upstream.url})

    def _picker(
        self, args: EndpointPickerArgs, mounts: Sequence[Mount]
    ) -> k8s.core.v1.ContainerArgsDict:
        healthy: k8s.core.v1.ProbeArgsDict = {
            "grpc": {"port": HEALTH, "service": "inference-extension"},
            "period_seconds": 5,
            "failure_threshold": 6,
        }
        picker = container(
            "picker",
            args.tier.image("llm-d-picker"),
            _PICKER,
            args=[
                f"--config-file={_CONFIG}/picker.yaml",
                "--endpoint-selector=" + ",".join(f"{k}={v}" for k, v in args.selector.items()),
                f"--endpoint-target-ports={args.servers.port}",
                f"--grpc-health-port={HEALTH}",
                "--secure-serving=true",
                f"--cert-path={TLS_PATH}",
                # Nobody is let in to read them, and asking who it is takes a right over the
                # cluster.
                "--metrics-endpoint-auth=false",
                "--tracing=false",
                "--zap-encoder=json",
            ],
            ports={"health": HEALTH},
            mounts=mounts,
            readiness=healthy,
            liveness=healthy,
            pre_stop_seconds=_PRE_STOP_SECONDS + args.drain_seconds,
        )
        picker["env"] = [
            {"name": "NAMESPACE", "value_from": {"field_ref": {"field_path": "metadata.namespace"}}}
        ]
        return picker

    def _watcher(self) -> Output[str]:
        """An identity that may watch the pods of its namespace: which servers there are."""
        account = self.service_account()
        role = k8s.rbac.v1.Role(
            self.name,
            metadata=self.metadata(),
            rules=[{"api_groups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
            opts=self.child,
        )
        binding = k8s.rbac.v1.RoleBinding(
            self.name,
            metadata=self.metadata(),
            role_ref={
                "api_group": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": role.metadata.name,
            },
            subjects=[
                {"kind": "ServiceAccount", "name": account, "namespace": self.tier.namespace}
            ],
            opts=self.child,
        )
        return Output.all(account, binding.metadata.name).apply(lambda both: str(both[0]))
