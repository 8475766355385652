"""Checks of the network: who enforces policies, where DNS and the API server are, who balances."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from components.cluster_reader import ClusterReader, Object
from config.settings.hosts import Hosts
from config.settings.platform import PlatformSettings
from preflight.needs import Needs
from preflight.result import Result, ok, problem, unknown

_ENFORCE = {
    "cilium": "Cilium",
    "calico-node": "Calico",
    "antrea-agent": "Antrea",
    "kube-router": "kube-router",
    "ovnkube-node": "OVN-Kubernetes",
    "canal": "Canal",
    "weave-net": "Weave Net",
}
"""DaemonSets of network plugins that enforce NetworkPolicy, both ways."""
_DO_NOT = {"kube-flannel-ds": "Flannel", "kindnet": "kindnet before 0.24"}
_BALANCERS = {
    "metallb.io": "MetalLB",
    "cilium.io": "Cilium LB IPAM",
    "kube-vip.io": "kube-vip",
    "purelb.io": "PureLB",
}
"""API groups of what gives addresses to Services of type LoadBalancer."""
_LOCAL_PROVIDERS = ("", "kind", "k3s", "kwok")
"""Schemes of `spec.providerID` that are no cloud with load balancers of its own."""


def plugin(cluster: ClusterReader) -> Iterator[Result]:
    """Whether something enforces the policies, and matches addresses outside of pods."""
    sets = {d["metadata"]["name"]: d for d in cluster.items("/apis/apps/v1/daemonsets")}
    found = [title for name, title in _ENFORCE.items() if name in sets]
    against = [title for name, title in _DO_NOT.items() if name in sets]
    check = "network plugin"
    if found:
        yield ok(check, f"{found[0]}, which enforces NetworkPolicy")
    elif against:
        remedy = "install one that enforces NetworkPolicy, such as Cilium or Calico"
        yield problem(check, f"{against[0]}, which enforces no NetworkPolicy", remedy)
    else:
        remedy = "make sure that NetworkPolicy is enforced both ways: nothing is closed otherwise"
        yield unknown(check, "none that is known by its DaemonSet", remedy)
    if "cilium" in sets:
        yield from _cilium(cluster, sets["cilium"]["metadata"]["namespace"])


def _cilium(cluster: ClusterReader, namespace: str) -> Iterator[Result]:
    """Rules on CIDRs match nodes and the API server only where Cilium is told so.

    https://docs.cilium.io/en/stable/security/policy/language/#selecting-nodes-with-cidr-ipblock
    """
    settings = cluster.get(f"/api/v1/namespaces/{namespace}/configmaps/cilium-config") or {}
    modes = str((settings.get("data") or {}).get("policy-cidr-match-mode", ""))
    check = "Cilium's policy-cidr-match-mode"
    if "nodes" in modes.split():
        yield ok(check, modes)
    else:
        remedy = "set policyCIDRMatchMode=nodes: databases could not reach the API server"
        yield problem(check, modes or "not set", remedy)


def dns_cache(cluster: ClusterReader, settings: PlatformSettings) -> Iterator[Result]:
    """Whether pods ask a cache on their node, to whose address the policies have to open."""
    name, check = "node-local-dns", "NodeLocal DNSCache"
    found = [d for d in cluster.items("/apis/apps/v1/daemonsets") if d["metadata"]["name"] == name]
    if found and not settings.dns_cache_cidrs:
        remedy = "set platform.dns_cache_cidrs, usually [169.254.20.10/32]: pods could ask no DNS"
        yield problem(check, "runs", remedy)
    else:
        yield ok(check, ", ".join(settings.dns_cache_cidrs) if found else "does not run")


def api_server(cluster: ClusterReader, settings: PlatformSettings) -> Iterator[Result]:
    """Whether `platform.api_server_cidrs` holds the addresses behind the Service `kubernetes`."""
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
    slices = cluster.get(path) or {}
    addresses = [a for e in slices.get("endpoints") or [] for a in e.get("addresses") or []]
    allowed = [ip_network(cidr) for cidr in settings.api_server_cidrs]
    outside = [a for a in addresses if not any(ip_address(a) in net for net in allowed)]
    check = "API server's addresses"
    if outside:
        remedy = f"add {', '.join(f'{a}/{ip_address(a).max_prefixlen}' for a in outside)} to"
        remedy += " platform.api_server_cidrs"
        yield problem(check, ", ".join(addresses), remedy)
    elif addresses:
        yield ok(check, ", ".join(addresses))
    else:
        remedy = "compare `kubectl get endpointslices kubernetes` with platform.api_server_cidrs"
        yield unknown(check, "not shown", remedy)


def load_balancer(cluster: ClusterReader, wanted: Needs) -> Iterator[Result]:
    """Whether something gives the gateway an address."""
    if not wanted.load_balancers:
        return
    check = f"load balancer for {', '.join(wanted.load_balancers)}"
    groups = [g["name"] for g in (cluster.get("/apis") or {}).get("groups") or []]
    found = [title for group, title in _BALANCERS.items() if group in groups]
    clouds = {
        scheme
        for node in cluster.items("/api/v1/nodes")
        if (scheme := _provider(node)) not in _LOCAL_PROVIDERS
    }
    if found or clouds:
        yield ok(check, ", ".join([*found, *(f"the cloud {name}" for name in sorted(clouds))]))
    else:
        remedy = "make sure that Services of type LoadBalancer get an address: MetalLB, Cilium"
        yield unknown(check, "no controller that is known by its API", remedy)


def _provider(node: Object) -> str:
    return str(node["spec"].get("providerID", "")).partition("://")[0]


def hosts(cluster: ClusterReader, wanted: Hosts) -> Iterator[Result]:
    """Whether something else of the cluster answers for the public names."""
    claimed = [
        *(
            (f"Ingress {_place(each)}", rule.get("host"))
            for each in cluster.items("/apis/networking.k8s.io/v1/ingresses")
            for rule in each["spec"].get("rules") or []
        ),
        *(
            (f"HTTPRoute {_place(each)}", host)
            for each in cluster.items("/apis/gateway.networking.k8s.io/v1/httproutes")
            for host in each["spec"].get("hostnames") or []
        ),
    ]
    for host in (wanted.ai, wanted.auth, wanted.monitoring):
        others = ", ".join(sorted({what for what, name in claimed if name == host}))
        if others:
            remedy = "point its DNS name at the gateway when you switch, or change it in hosts"
            yield unknown(f"host {host}", f"{others} answers for it too", remedy)
        else:
            yield ok(f"host {host}", "nothing else of the cluster answers for it")


def _place(each: Object) -> str:
    return f"{each['metadata']['namespace']}/{each['metadata']['name']}"
