"""llm-d's endpoint picker: prefix-cache-aware and load-aware routing of each request."""

from collections.abc import Sequence
from typing import Literal

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.common import probes, secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Server, after
from components.common.contracts import Upstream
from components.common.json_text import json_text
from components.common.labels import DOMAIN, Labels
from components.common.network import Pods
from components.common.pki import TLS_PATH
from components.common.pod import Mount, config_files, container, tmp
from components.common.tier import Tier
from components.models.model_server import PRE_STOP_SECONDS
from components.models.vllm.picker_config import HEALTH, PORT, READY, picker_config, proxy_config
from config import footprints

_CONFIG = "/etc/picker"

MODEL = f"{DOMAIN}/model"
"""Label of all servers of a model, whatever their role."""
ROLE = "llm-d.ai/role"
"""Label with their role: `prefill` or `decode`."""

Role = Literal["prefill", "decode"]


def role_labels(served_name: str, role: Role) -> Labels:
    """Labels of a server of *served_name* with *role*."""
    return {MODEL: served_name, ROLE: role}


class EndpointPickerArgs(Args):
    """The endpoint picker of one model."""

    tier: Tier
    servers: Upstream
    """The model servers; `url` is known once they are ready."""
    server_name: MaybeOutput[str]
    """DNS name that their certificates are valid for."""
    selector: Labels
    """Selector of the pods to choose from."""
    split: bool
    """Disaggregated serving: some of the pods are prefill servers."""
    api_server_cidrs: list[str]
    drain_seconds: int


class EndpointPicker(Server):
    """Envoy with the picker beside it, both stateless."""

    kind = "endpoint-picker"
    port = PORT

    upstream: Upstream
    """`url` ends in `/v1`, like that of the servers."""

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
                "picker.yaml": json_text(picker_config(split=args.split)),
                "envoy.yaml": Output.from_input(args.server_name).apply(
                    lambda server: json_text(proxy_config(server))
                ),
            },
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            self.certificate(),
            tmp(),
        ]
        ready = probes.https(READY, PORT)
        proxy = container(
            "proxy",
            args.tier.image("envoy"),
            footprints.PICKER_PROXY,
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
            pre_stop_seconds=PRE_STOP_SECONDS + args.drain_seconds,
        )
        spec = self.pod(
            [proxy, self._picker(args, mounts)],
            mounts,
            account=self._watcher(),
            grace_seconds=2 * PRE_STOP_SECONDS + args.drain_seconds,
            spread=True,
        )
        spec["automount_service_account_token"] = True  # it watches the pods of the model
        workload = self.deployment(spec, footprints.PICKERS)
        self.service({"https": PORT})
        servers = Pods(f"{name}-servers", args.tier.namespace, args.selector, self)
        self.tier.firewall.connect(self.pods, servers, args.servers.port)
        self.reach_api_server(args.api_server_cidrs)
        self.upstream = Upstream(
            url=self.https_url(workload.metadata.name, args.servers.url, path="/v1"),
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
            footprints.PICKER,
            args=[
                f"--config-file={_CONFIG}/picker.yaml",
                "--endpoint-selector=" + ",".join(f"{k}={v}" for k, v in args.selector.items()),
                f"--endpoint-target-ports={args.servers.port}",
                f"--grpc-health-port={HEALTH}",
                "--secure-serving=true",
                f"--cert-path={TLS_PATH}",
                # The network admits no scraper, and authenticating one takes cluster-wide rights.
                "--metrics-endpoint-auth=false",
                "--tracing=false",
                "--zap-encoder=json",
            ],
            ports={"health": HEALTH},
            mounts=mounts,
            readiness=healthy,
            liveness=healthy,
            pre_stop_seconds=PRE_STOP_SECONDS + args.drain_seconds,
        )
        picker["env"] = [
            {"name": "NAMESPACE", "value_from": {"field_ref": {"field_path": "metadata.namespace"}}}
        ]
        return picker

    def _watcher(self) -> Output[str]:
        """A service account that may watch the pods of its namespace."""
        account = self.service_account()
        role = k8s.rbac.v1.Role(
            self.name,
            metadata=self.metadata(),
            rules=[{"api_groups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
            opts=self.child_opts,
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
            opts=self.child_opts,
        )
        return after(account, binding.metadata.name)
