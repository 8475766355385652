"""Deny by default, admit by verb: who may open a connection to whom, on which ports (TCP).

docs/adr/0015-one-policy-per-set-of-pods.md says why the openings are collected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi_kubernetes as k8s
from pulumi import Resource, ResourceOptions

from components.common.args import MaybeOutput
from components.common.labels import Labels

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that the API server itself puts on every namespace."""

_EVERY_PORT = 0

_Peer = k8s.networking.v1.NetworkPolicyPeerArgsDict
_Port = k8s.networking.v1.NetworkPolicyPortArgsDict


@dataclass(frozen=True)
class Pods:
    """The pods with *labels* in *namespace*."""

    name: str
    """Unique among all sets of pods: the name of their policy."""
    namespace: MaybeOutput[str]
    labels: Labels = field(default_factory=dict[str, str])
    owner: Resource | None = field(default=None, compare=False, repr=False)
    """The component that runs them: the parent of their policy."""

    def peer(self) -> _Peer:
        """These pods, seen from any namespace."""
        return {
            "namespace_selector": {"match_labels": {NAMESPACE_NAME: self.namespace}},
            "pod_selector": {"match_labels": dict(self.labels)},
        }


@dataclass
class _Openings:
    """What some pods accept and reach, beyond nothing."""

    pods: Pods
    ingress: dict[tuple[str, int], _Peer] = field(default_factory=dict[tuple[str, int], _Peer])
    egress: dict[tuple[str, int], _Peer] = field(default_factory=dict[tuple[str, int], _Peer])


class Firewall:
    """Collects the openings of a stack, and makes one NetworkPolicy for each set of pods.

    An opening is made where a component is given what it connects to, so that a removed line
    removes the opening; without ports it is on every port and protocol. `enforce` comes last.
    """

    def __init__(self) -> None:
        self._openings: dict[str, _Openings] = {}
        self._labels: dict[str, Labels] = {}

    def connect(self, client: Pods, server: Pods, *ports: int) -> None:
        """Let *client* reach *server*, and *server* accept it."""
        self._check(server)
        self._of(client).egress.update(_opened(server.name, server.peer(), ports))
        self.admit(server, client, *ports)

    def admit(self, server: Pods, client: Pods, *ports: int) -> None:
        """Let *server* accept *client*, whose way out is not ours to open."""
        self._check(client)
        self._of(server).ingress.update(_opened(client.name, client.peer(), ports))

    def admit_cidrs(self, server: Pods, cidrs: Sequence[str], *ports: int) -> None:
        """Let *server* accept connections from addresses in *cidrs*."""
        for cidr in cidrs:
            self._of(server).ingress.update(_opened(cidr, {"ip_block": {"cidr": cidr}}, ports))

    def reach_cidrs(self, client: Pods, cidrs: Sequence[str], *ports: int) -> None:
        """Let *client* reach addresses in *cidrs*: the API server, a model hub."""
        for cidr in cidrs:
            self._of(client).egress.update(_opened(cidr, {"ip_block": {"cidr": cidr}}, ports))

    def enforce(self, parent: Resource | None = None) -> None:
        """Create the policies; *parent* gets those of pods without an owner."""
        for name, openings in self._openings.items():
            spec: k8s.networking.v1.NetworkPolicySpecArgsDict = {
                "pod_selector": {"match_labels": dict(openings.pods.labels)},
                "policy_types": [],
            }
            types: list[str] = []
            if openings.ingress:
                types.append("Ingress")
                spec["ingress"] = [
                    {"from_": peers, "ports": ports} for peers, ports in _rules(openings.ingress)
                ]
            if openings.egress:
                types.append("Egress")
                spec["egress"] = [
                    {"to": peers, "ports": ports} for peers, ports in _rules(openings.egress)
                ]
            spec["policy_types"] = types
            k8s.networking.v1.NetworkPolicy(
                f"{name}-allow",
                metadata={"namespace": openings.pods.namespace},
                spec=spec,
                opts=ResourceOptions(parent=openings.pods.owner or parent),
            )

    def _of(self, pods: Pods) -> _Openings:
        self._check(pods)
        found = self._openings.setdefault(pods.name, _Openings(pods))
        if found.pods.owner is None:
            found.pods = pods
        return found

    def _check(self, pods: Pods) -> None:
        """Two sets of one name would share a policy, and a rule would admit the wrong one."""
        other = self._labels.setdefault(pods.name, pods.labels)
        if other != pods.labels:
            message = f"two sets of pods are called {pods.name}: {other} and {pods.labels}"
            raise ValueError(message)


def _opened(name: str, peer: _Peer, ports: Sequence[int]) -> dict[tuple[str, int], _Peer]:
    return {(name, port): peer for port in ports or (_EVERY_PORT,)}


def _rules(
    openings: Mapping[tuple[str, int], _Peer],
) -> Iterable[tuple[list[_Peer], list[_Port]]]:
    """The peers that have the same ports, together; sorted, so that a new one is one line more."""
    ports: dict[str, list[int]] = {}
    peers = {name: peer for (name, _), peer in openings.items()}
    for name, port in sorted(openings):
        ports.setdefault(name, []).append(port)
    together: dict[tuple[int, ...], list[str]] = {}
    for name, opened in ports.items():
        together.setdefault(tuple(opened), []).append(name)
    for opened, names in sorted(together.items()):
        yield (
            [peers[name] for name in names],
            [{"port": port, "protocol": "TCP"} for port in opened if _EVERY_PORT not in opened],
        )
