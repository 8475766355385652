"""What every component is: a parent, a tier, a selector, and the verb that admits a caller."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, ResourceOptions

from components.common import network
from components.common.args import Late
from components.common.labels import SKIP_AWAIT, Labels, labels, selector
from components.common.network import Pods
from components.common.pod import Mount, secret_files
from components.common.tier import Tier

TLS_PATH = "/etc/tls"
"""Where every container finds `tls.crt`, `tls.key` and `ca.crt`."""


class Component(ComponentResource):
    """A part of the stack in one tier, closed to everyone until `allow_from` admits a caller.

    Subclasses set `kind` and `port`, create their objects with the methods below (each is a child
    of the component), and end with `register_outputs`.
    """

    kind: ClassVar[str]
    """The software, as `app.kubernetes.io/name`."""
    port: ClassVar[int]
    """The port that `allow_from` opens."""

    def __init__(self, name: str, tier: Tier, opts: ResourceOptions | None) -> None:
        super().__init__(f"private-ai:index:{type(self).__name__}", name, {}, opts)
        self.name = name
        self.tier = tier
        self.child = ResourceOptions(parent=self)
        self.labels = labels(self.kind, name)
        self.pods = Pods(name, tier.namespace, selector(self.kind, name), self)

    def allow_from(self, client: Pods, *ports: int) -> None:
        """Let *client* reach this component, on its own port unless *ports* says otherwise."""
        network.connect(self, client, self.pods, *(ports or (self.port,)))

    @property
    def stateful(self) -> ResourceOptions:
        """Options of a child that holds data: kept, unless the stack calls itself disposable."""
        keep = not self.tier.disposable
        return ResourceOptions(parent=self, protect=keep, retain_on_delete=keep)

    def metadata(self, name: str | None = None) -> k8s.meta.v1.ObjectMetaArgsDict:
        """Metadata in the tier's namespace; *name* only where something outside must know it."""
        meta: k8s.meta.v1.ObjectMetaArgsDict = {
            "namespace": self.tier.namespace,
            "labels": self.labels,
        }
        if name:
            meta["name"] = name
        return meta

    def host(self, service: str | None = None) -> Output[str]:
        """The name in the cluster's DNS of *service*, by default the component's own."""
        return Output.format("{0}.{1}.svc", service or self.name, self.tier.namespace)

    def certificate(self, *services: str) -> Mount:
        """A certificate for *services* and for the pods behind them, mounted at `TLS_PATH`."""
        return secret_files("tls", self.certificate_secret(*services), TLS_PATH)

    def certificate_secret(self, *services: str) -> Output[str]:
        """The name of a Secret with a certificate for *services* and for the pods behind them."""
        hosts: list[Late[str]] = ["localhost"]
        for service in services or (self.name,):
            short = self.host(service)
            for host in (short, Output.format("{0}.cluster.local", short)):
                hosts += [host, Output.format("*.{0}", host)]
        return self.tier.authority.issue(self, self.name, self.tier.namespace, self.labels, hosts)

    def service_account(self) -> Output[str]:
        """An identity of its own, which no pod gets a token for unless it asks."""
        account = k8s.core.v1.ServiceAccount(
            self.name,
            metadata=self.metadata(),
            automount_service_account_token=False,
            opts=self.child,
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
        """A Service in front of the pods, under a fixed name, since DNS and certificates hold it.

        *only* narrows it to those that carry these labels as well. A *headless* one publishes pods
        before they are ready, for members that must find each other to become so.
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
            opts=self.child,
        )

    def disruption_budget(self, replicas: int) -> None:
        """At most one pod may leave at a time; a single replica must be free to leave."""
        if replicas < 2:  # noqa: PLR2004
            return
        k8s.policy.v1.PodDisruptionBudget(
            self.name,
            metadata=self.metadata(),
            spec={
                "max_unavailable": 1,
                "selector": {"match_labels": dict(self.pods.labels)},
            },
            opts=self.child,
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
        """Interchangeable replicas. Without *surge* an old pod leaves before a new one starts.

        Where it is *scaled*, *replicas* is the most there may be, and somebody else sets how many
        there are: the number is left out, or every update would set it back.
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
            # A Deployment that is replaced, since its selector changed, would not get it either.
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
        """Replicas with names and *disks* (claim template name, size) of their own."""
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
            metadata=self.awaited(600, self.name),  # pods are named after it: DNS, certificates
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
            opts=self.stateful if disks else self.child,
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
            opts=self.child,
        )

    def awaited(self, seconds: int, name: str | None = None) -> k8s.meta.v1.ObjectMetaArgsDict:
        """Metadata of a workload that the engine gives *seconds* to become ready."""
        meta = self.metadata(name)
        meta["annotations"] = {"pulumi.com/timeoutSeconds": str(seconds)}
        return meta


def when_ready(
    workload: k8s.apps.v1.Deployment | k8s.apps.v1.StatefulSet | k8s.apps.v1.DaemonSet,
    value: Output[str],
) -> Output[str]:
    """*value*, known only once *workload* is ready: the edge that a consumer reads."""
    return Output.all(workload.metadata.name, value).apply(lambda both: str(both[1]))
