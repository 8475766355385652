"""Base classes of the components: a parent, a tier, a selector, and the objects they create."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, ResourceOptions

from components.common.args import MaybeOutput
from components.common.contracts import GpuPlacement, ScrapeTarget, Upstream
from components.common.labels import SKIP_AWAIT, Labels, labels, selector
from components.common.network import Pods
from components.common.pki import TLS_PATH
from components.common.pod import USER, Mount, pod, secret_files
from components.common.tier import Tier

_API_SERVER_PORTS = (443, 6443)
"""Port of the Service `kubernetes`, and of the API server behind it."""


class Component(ComponentResource):
    """A part of the stack in one tier.

    Subclasses set `kind`, create their objects with the methods below (each is a child of the
    component), and end with `register_outputs`.
    """

    kind: ClassVar[str]
    """Name of the software, for the label `app.kubernetes.io/name`."""

    def __init__(self, name: str, tier: Tier, opts: ResourceOptions | None) -> None:
        super().__init__(f"private-ai:index:{type(self).__name__}", name, {}, opts)
        self.name = name
        self.tier = tier
        self.child_opts = ResourceOptions(parent=self)
        self.labels = labels(self.kind, name)
        self.pods = Pods(name, tier.namespace, selector(self.kind, name), self)

    @property
    def members(self) -> str:
        """Name of the headless Service, whose DNS name resolves to the address of each pod."""
        return f"{self.name}-members"

    @property
    def stateful_opts(self) -> ResourceOptions:
        """Options of a child that holds data: protected and retained unless disposable."""
        keep = not self.tier.disposable
        return ResourceOptions(parent=self, protect=keep, retain_on_delete=keep)

    def reach_api_server(self, cidrs: Sequence[str]) -> None:
        """Allow connections to the Kubernetes API server at *cidrs*."""
        self.tier.firewall.reach_cidrs(self.pods, cidrs, *_API_SERVER_PORTS)

    def pod(
        self,
        containers: Sequence[k8s.core.v1.ContainerArgsDict],
        mounts: Sequence[Mount],
        *,
        account: Output[str] | None = None,
        init: Sequence[k8s.core.v1.ContainerArgsDict] = (),
        user: int = USER,
        grace_seconds: int = 30,
        spread: bool = False,
        placement: GpuPlacement | None = None,
        claims: Mapping[str, MaybeOutput[str]] | None = None,
        host_pid: bool = False,
    ) -> k8s.core.v1.PodSpecArgsDict:
        """A pod of this component, under *account* or a new service account.

        *spread* distributes the replicas over nodes and zones.
        """
        return pod(
            containers,
            mounts,
            service_account=account or self.service_account(),
            priority_class=self.tier.priority_class,
            init=init,
            user=user,
            grace_seconds=grace_seconds,
            spread=self.pods.labels if spread else None,
            placement=placement,
            claims=claims,
            host_pid=host_pid,
        )

    def metadata(self, name: str | None = None) -> k8s.meta.v1.ObjectMetaArgsDict:
        """Metadata in the tier's namespace; *name* only where it must be known outside Pulumi."""
        meta: k8s.meta.v1.ObjectMetaArgsDict = {
            "namespace": self.tier.namespace,
            "labels": self.labels,
        }
        if name:
            meta["name"] = name
        return meta

    def host(self, service: str | None = None) -> Output[str]:
        """Cluster DNS name of *service*, by default the component's own."""
        return Output.format("{0}.{1}.svc", service or self.name, self.tier.namespace)

    def scrape_target(
        self,
        port: int,
        *,
        job: str | None = None,
        service: str | None = None,
        server_name: Output[str] | None = None,
        path: str = "/metrics",
        bearer: Output[str] | None = None,
    ) -> ScrapeTarget:
        """Every pod behind the headless *service*, by default `members`, as Prometheus reads it.

        *job* defaults to `kind`, *server_name* to the host of the component.
        """
        return ScrapeTarget(
            job=job or self.kind,
            server=self.pods,
            host=self.host(service or self.members),
            server_name=server_name or self.host(),
            port=port,
            path=path,
            bearer=bearer,
        )

    def certificate(self, *services: str) -> Mount:
        """A certificate for *services* and the pods behind them, mounted at `TLS_PATH`."""
        return secret_files("tls", self.certificate_secret(*services), TLS_PATH)

    def certificate_secret(self, *services: str) -> Output[str]:
        """Name of a Secret with a certificate for *services* and the pods behind them."""
        hosts: list[MaybeOutput[str]] = ["localhost"]
        for service in services or (self.name,):
            short = self.host(service)
            for host in (short, Output.format("{0}.cluster.local", short)):
                hosts += [host, Output.format("*.{0}", host)]
        return self.tier.authority.issue(self, self.name, self.tier.namespace, self.labels, hosts)

    def service_account(self) -> Output[str]:
        """A service account; pods get no token of it by default."""
        account = k8s.core.v1.ServiceAccount(
            self.name,
            metadata=self.metadata(),
            automount_service_account_token=False,
            opts=self.child_opts,
        )
        return account.metadata.name

    def service(
        self,
        ports: dict[str, int],
        *,
        name: str | None = None,
        headless: bool = False,
        only: Labels | None = None,
    ) -> k8s.core.v1.Service:
        """A Service for the pods, with a fixed name, since DNS and certificates contain it.

        *only* adds labels to its selector. A *headless* one publishes pods before they are ready,
        for members that must discover each other to become ready.
        """
        name = name or self.name
        spec: k8s.core.v1.ServiceSpecArgsDict = {
            "selector": {**self.pods.labels, **(only or {})},
            "ports": [{"name": n, "port": p, "target_port": p} for n, p in ports.items()],
        }
        if headless:
            spec["cluster_ip"] = "None"
            spec["publish_not_ready_addresses"] = True
        return k8s.core.v1.Service(
            name,
            metadata={**self.metadata(name), "annotations": SKIP_AWAIT},
            spec=spec,
            opts=self.child_opts,
        )

    def disruption_budget(self, replicas: int) -> None:
        """Allow one voluntary disruption at a time; a single replica must stay evictable."""
        if replicas < 2:  # noqa: PLR2004
            return
        k8s.policy.v1.PodDisruptionBudget(
            self.name,
            metadata=self.metadata(),
            spec={
                "max_unavailable": 1,
                "selector": {"match_labels": dict(self.pods.labels)},
            },
            opts=self.child_opts,
        )

    def deployment(
        self,
        pod: k8s.core.v1.PodSpecArgsDict,
        replicas: int,
        *,
        surge: bool = True,
        scaled: bool = False,
        ready_within_seconds: int = 600,
    ) -> k8s.apps.v1.Deployment:
        """Interchangeable replicas. Without *surge* an old pod stops before a new one starts.

        *scaled*: an autoscaler sets the number and *replicas* is its maximum; the number is left
        out of the spec, or every update would reset it.
        """
        self.disruption_budget(replicas)
        rolling: k8s.apps.v1.RollingUpdateDeploymentArgsDict = (
            {"max_surge": 1, "max_unavailable": 0}
            if surge
            else {"max_surge": 0, "max_unavailable": 1}
        )
        spec: k8s.apps.v1.DeploymentSpecArgsDict = {
            "selector": {"match_labels": dict(self.pods.labels)},
            "strategy": {"type": "RollingUpdate", "rolling_update": rolling},
            "progress_deadline_seconds": ready_within_seconds,
            "template": {"metadata": {"labels": self.labels}, "spec": pod},
        }
        if not scaled:
            spec["replicas"] = replicas
        return k8s.apps.v1.Deployment(
            self.name,
            metadata=self.awaited(ready_within_seconds),
            spec=spec,
            # Without spare capacity a replacement (changed selector) cannot run beside it either.
            opts=ResourceOptions(parent=self, delete_before_replace=not surge),
        )

    def stateful_set(
        self,
        pod: k8s.core.v1.PodSpecArgsDict,
        replicas: int,
        *,
        headless: k8s.core.v1.Service,
        disks: Sequence[tuple[str, str]] = (),
        parallel: bool = False,
    ) -> k8s.apps.v1.StatefulSet:
        """Replicas with stable names and *disks* (claim template name, size) of their own."""
        self.disruption_budget(replicas)
        claims: list[k8s.core.v1.PersistentVolumeClaimArgsDict] = [
            {
                "metadata": {"name": disk, "labels": self.labels},
                "spec": {
                    "access_modes": ["ReadWriteOnce"],
                    "storage_class_name": self.tier.storage_class,
                    "resources": {"requests": {"storage": size}},
                },
            }
            for disk, size in disks
        ]
        policy = "Delete" if self.tier.disposable else "Retain"
        return k8s.apps.v1.StatefulSet(
            self.name,
            metadata=self.awaited(600, self.name),  # pods take its name: DNS, certificates
            spec={
                "replicas": replicas,
                "service_name": headless.metadata.name,
                "selector": {"match_labels": dict(self.pods.labels)},
                "pod_management_policy": "Parallel" if parallel else "OrderedReady",
                "template": {"metadata": {"labels": self.labels}, "spec": pod},
                "volume_claim_templates": claims,
                "persistent_volume_claim_retention_policy": {
                    "when_deleted": policy,
                    "when_scaled": "Retain",
                },
            },
            opts=self.stateful_opts if disks else self.child_opts,
        )

    def daemon_set(self, pod: k8s.core.v1.PodSpecArgsDict) -> k8s.apps.v1.DaemonSet:
        """One pod on every node that *pod* selects."""
        return k8s.apps.v1.DaemonSet(
            self.name,
            metadata=self.awaited(600),
            spec={
                "selector": {"match_labels": dict(self.pods.labels)},
                "template": {"metadata": {"labels": self.labels}, "spec": pod},
            },
            opts=self.child_opts,
        )

    def awaited(self, seconds: int, name: str | None = None) -> k8s.meta.v1.ObjectMetaArgsDict:
        """Metadata of a workload that must become ready within *seconds*."""
        meta = self.metadata(name)
        meta["annotations"] = {"pulumi.com/timeoutSeconds": str(seconds)}
        return meta


class Server(Component):
    """A component with a port, closed to every client that is not admitted."""

    port: ClassVar[int]
    """Port that `allow_from` opens and `https_url` names."""

    def allow_from(self, client: Pods) -> None:
        """Admit connections from *client* to the port of this component."""
        self.tier.firewall.connect(client, self.pods, self.port)

    def https_url(self, *gates: Output[Any], path: str = "") -> Output[str]:
        """`https://host:port` and *path*, known only after *gates*."""
        return after(Output.format("https://{0}:{1}{2}", self.host(), self.port, path), *gates)

    def upstream_after(self, *gates: Output[Any]) -> Upstream:
        """The component as an upstream; its URL is known only after *gates*."""
        return Upstream(url=self.https_url(*gates), server=self.pods, port=self.port)


def after(value: Output[str], *gates: Output[Any]) -> Output[str]:
    """*value*, known only after every one of *gates* is: the dependency that a consumer reads."""
    return Output.all(value, *gates).apply(lambda known: str(known[0]))
