"""Deny by default, admit by verb: who may open a connection to whom, on which port."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi_kubernetes as k8s
from pulumi import Resource, ResourceOptions

from components.common.args import MaybeOutput
from components.common.labels import Labels

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that the API server itself puts on every namespace."""


@dataclass(frozen=True)
class Pods:
    """Some pods: those with *labels* in *namespace*. *name* is for the names of policies."""

    name: str
    namespace: MaybeOutput[str]
    labels: Labels = field(default_factory=dict[str, str])

    def peer(self) -> k8s.networking.v1.NetworkPolicyPeerArgsDict:
        """These pods, seen from any namespace."""
        return {
            "namespace_selector": {"match_labels": {NAMESPACE_NAME: self.namespace}},
            "pod_selector": {"match_labels": dict(self.labels)},
        }


def _ports(ports: Sequence[int]) -> list[k8s.networking.v1.NetworkPolicyPortArgsDict]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def _inward(
    owner: Resource,
    name: str,
    server: Pods,
    peers: list[k8s.networking.v1.NetworkPolicyPeerArgsDict],
    ports: Sequence[int],
) -> None:
    k8s.networking.v1.NetworkPolicy(
        f"{server.name}-from-{name}",
        metadata={"namespace": server.namespace},
        spec={
            "pod_selector": {"match_labels": dict(server.labels)},
            "policy_types": ["Ingress"],
            "ingress": [{"from_": peers, "ports": _ports(ports)}],
        },
        opts=ResourceOptions(parent=owner),
    )


def _outward(
    owner: Resource,
    name: str,
    client: Pods,
    peers: list[k8s.networking.v1.NetworkPolicyPeerArgsDict],
    ports: Sequence[int],
) -> None:
    k8s.networking.v1.NetworkPolicy(
        f"{client.name}-to-{name}",
        metadata={"namespace": client.namespace},
        spec={
            "pod_selector": {"match_labels": dict(client.labels)},
            "policy_types": ["Egress"],
            "egress": [{"to": peers, "ports": _ports(ports)}],
        },
        opts=ResourceOptions(parent=owner),
    )


def _blocks(cidrs: Sequence[str]) -> list[k8s.networking.v1.NetworkPolicyPeerArgsDict]:
    return [{"ip_block": {"cidr": cidr}} for cidr in cidrs]


def admit(owner: Resource, server: Pods, client: Pods, *ports: int) -> None:
    """Let *server* accept *client* on *ports* (TCP); the client's way out is not ours to open."""
    _inward(owner, client.name, server, [client.peer()], ports)


def connect(owner: Resource, client: Pods, server: Pods, *ports: int) -> None:
    """Let *client* reach *server* on *ports* (TCP): one policy out, one policy in."""
    _outward(owner, server.name, client, [server.peer()], ports)
    admit(owner, server, client, *ports)


def admit_cidrs(
    owner: Resource, name: str, server: Pods, cidrs: Sequence[str], *ports: int
) -> None:
    """Let addresses outside the cluster's pods, in *cidrs*, reach *server* on *ports* (TCP)."""
    _inward(owner, name, server, _blocks(cidrs), ports)


def reach_cidrs(
    owner: Resource, name: str, client: Pods, cidrs: Sequence[str], *ports: int
) -> None:
    """Let *client* reach addresses in *cidrs* (the API server, a model hub) on *ports* (TCP)."""
    _outward(owner, name, client, _blocks(cidrs), ports)
