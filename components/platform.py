"""What every tier is deployed into: closed namespaces, quotas, priority classes, an authority."""

from collections.abc import Callable
from typing import Literal

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, ResourceOptions, get_stack

from components.common.args import Args
from components.common.labels import PART_OF, STACK, TIER
from components.common.network import NAMESPACE_NAME, Firewall
from components.common.pki import Authority, AuthorityArgs
from components.common.tier import Tier
from config import footprints
from config.settings.platform import TIERS, PlatformSettings, TierName

CLAIMED_DEVICES = ".deviceclass.resource.k8s.io/devices"
"""Ends the name by which a quota counts claimed devices of a class.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

Level = Literal["restricted", "baseline", "privileged"]

_UNRESTRICTED: dict[TierName, tuple[Level, str]] = {
    "gpu": ("privileged", "the device plugin and the exporter mount the kubelet's sockets"),
}
"""The exceptions to the `restricted` Pod Security Standard, each with its reason."""

_PRIORITY: dict[str, tuple[int, str, tuple[TierName, ...]]] = {
    "foundation": (1_000_000, "what all else needs", ("gpu", "storage", "data", "auth", "gateway")),
    "serving": (100_000, "models", ("models",)),
    "standard": (10_000, "what can wait", ("apps", "monitoring")),
}
"""Value, purpose and tiers of each priority class; values only need an order below 10^9."""

_MAX_PODS = 200


class PlatformArgs(Args):
    """The tiers of one stack on one cluster."""

    settings: PlatformSettings
    gpus: dict[str, int]
    """GPUs that the model tier may take, by resource name; the other tiers may take none."""
    image: Callable[[str], str]
    """A key of the image catalog to a reference."""


class Platform(ComponentResource):
    """A namespace for each tier, closed and with a quota; priority classes; an authority."""

    authority: Authority
    namespaces: dict[TierName, k8s.core.v1.Namespace]

    def __init__(self, name: str, args: PlatformArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("private-ai:index:Platform", name, {}, opts)
        self._args = args
        self.authority = Authority(
            "authority",
            AuthorityArgs(organization=args.settings.organization),
            ResourceOptions(parent=self),
        )
        self.namespaces = {}
        self._firewall = Firewall()
        self._tiers: dict[TierName, Tier] = {}
        for priority, (value, purpose, tiers) in _PRIORITY.items():
            priority_class = self._priority_class(priority, value, purpose)
            self._tiers |= {tier: self._tier(tier, priority_class) for tier in tiers}
        self.register_outputs({tier: self._tiers[tier].namespace for tier in TIERS})

    def tier(self, name: TierName) -> Tier:
        """The tier called *name*, once its namespace exists and denies."""
        return self._tiers[name]

    def open(self) -> None:
        """Open what the components have asked for; call it once all of them are there."""
        self._firewall.enforce(self)

    def _priority_class(self, name: str, value: int, purpose: str) -> Output[str]:
        return k8s.scheduling.v1.PriorityClass(
            name,
            metadata={"labels": {PART_OF: "private-ai"}},
            value=value,
            description=purpose,
            opts=ResourceOptions(parent=self),
        ).metadata.name

    def _tier(self, tier: TierName, priority_class: Output[str]) -> Tier:
        settings = self._args.settings
        level, reason = _UNRESTRICTED.get(tier, ("restricted", ""))
        annotations = {"private-ai.dev/pod-security-exception": reason} if reason else {}
        namespace = k8s.core.v1.Namespace(
            tier,
            metadata={
                "name": getattr(settings.namespaces, tier),  # people and operators type it
                "labels": {
                    PART_OF: "private-ai",
                    STACK: get_stack(),
                    TIER: tier,
                    **{
                        f"pod-security.kubernetes.io/{mode}": level
                        for mode in ("enforce", "audit", "warn")
                    },
                },
                "annotations": annotations,
            },
            # Whoever deletes a namespace deletes the data in it, retained or not.
            opts=ResourceOptions(
                parent=self,
                protect=not settings.disposable,
                retain_on_delete=tier in settings.adopt_namespaces,
            ),
        )
        self.namespaces[tier] = namespace
        child = ResourceOptions(parent=namespace, protect=False, retain_on_delete=False)
        metadata: k8s.meta.v1.ObjectMetaArgsDict = {"namespace": namespace.metadata.name}
        closed = self._deny_by_default(tier, metadata, child)
        self._limit(tier, metadata, child)
        return Tier(
            name=tier,
            # Read from the policy that closes it, so that no pod starts in an open namespace.
            namespace=closed,
            priority_class=priority_class,
            authority=self.authority,
            image=self._args.image,
            storage_class=settings.storage_class,
            firewall=self._firewall,
            disposable=settings.disposable,
        )

    def _deny_by_default(
        self, tier: TierName, metadata: k8s.meta.v1.ObjectMetaArgsDict, child: ResourceOptions
    ) -> Output[str]:
        """Deny all traffic but DNS queries; returns the namespace, known once it is closed."""
        caches = self._args.settings.dns_cache_cidrs
        k8s.networking.v1.NetworkPolicy(
            f"{tier}-dns",
            metadata=metadata,
            spec={
                "pod_selector": {},
                "policy_types": ["Egress"],
                "egress": [
                    {
                        "to": [
                            {
                                "namespace_selector": {
                                    "match_labels": {NAMESPACE_NAME: "kube-system"}
                                },
                                "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                            },
                            *({"ip_block": {"cidr": cidr}} for cidr in caches),
                        ],
                        "ports": [{"port": 53, "protocol": p} for p in ("UDP", "TCP")],
                    }
                ],
            },
            opts=child,
        )
        deny = k8s.networking.v1.NetworkPolicy(
            f"{tier}-deny",
            metadata=metadata,
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=child,
        )
        return deny.metadata.apply(lambda meta: str(meta.namespace))

    def _limit(
        self, tier: TierName, metadata: k8s.meta.v1.ObjectMetaArgsDict, child: ResourceOptions
    ) -> None:
        """A quota for GPUs, pods and exposed Services; default requests and limits."""
        gpus = self._args.gpus
        hard = {
            "pods": str(_MAX_PODS),
            "services.nodeports": "0",
            "services.loadbalancers": "1" if tier == "gateway" else "0",
            **{_quota_key(r): str(n if tier == "models" else 0) for r, n in gpus.items()},
        }
        k8s.core.v1.ResourceQuota(tier, metadata=metadata, spec={"hard": hard}, opts=child)
        unstated = footprints.UNSTATED.manifest()
        k8s.core.v1.LimitRange(
            tier,
            metadata=metadata,
            spec={
                "limits": [
                    {
                        "type": "Container",
                        "default": unstated["limits"],
                        "default_request": unstated["requests"],
                    }
                ]
            },
            opts=child,
        )


def _quota_key(resource: str) -> str:
    """The key of a ResourceQuota for a GPU resource, or for the devices of a DeviceClass."""
    return resource if resource.endswith(CLAIMED_DEVICES) else f"requests.{resource}"
