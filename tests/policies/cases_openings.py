"""Cases of the rules about NetworkPolicies and about ways in."""

from typing import Any

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    LABELS,
    NAMESPACE,
    Manifest,
    change,
    config_map,
    database,
    gateway,
    ingress,
    model_server,
    namespace,
    network_policy,
    route,
    service,
    workload,
)

_EVERYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}
_INGRESS, _EGRESS = ("spec", "ingress"), ("spec", "egress")
_OTHER = {"matchLabels": {"app.kubernetes.io/name": "other"}}
_SELECTED: Manifest = {"matchLabels": dict(LABELS)}
_MINE = change(network_policy(_SELECTED), _EGRESS, [{"to": [_EVERYWHERE]}])

OPENINGS: tuple[Case, ...] = (
    Violating(
        "default-deny",
        "a namespace that denies nothing",
        [namespace()],
        "ingress of the namespace",
    ),
    Violating(
        "default-deny",
        "a namespace that denies one way",
        [namespace(), network_policy(types=["Ingress"])],
        "egress of the namespace",
        (1, ("spec", "policyTypes")),
    ),
    Violating(
        "default-deny",
        "a denial with an exception",
        [namespace(), change(network_policy(), _INGRESS, [{"from": [_EVERYWHERE]}])],
        "ingress of the namespace",
        (1, _INGRESS),
    ),
    Violating(
        "default-deny",
        "a denial for some",
        [namespace(), network_policy(_SELECTED)],
        "ingress of the namespace",
        (1, ("spec", "podSelector")),
    ),
    Compliant("default-deny", "both ways denied to all", [namespace(), network_policy()]),
    NotApplicable("default-deny", "a Deployment", [workload()]),
    Violating(
        "network-policy-names-peers",
        "an empty rule",
        [change(network_policy(), _INGRESS, [{}])],
        "spec.ingress[0].from",
        (0, (*_INGRESS, 0)),
    ),
    Violating(
        "network-policy-names-peers",
        "a rule with ports alone",
        [change(network_policy(), _EGRESS, [{"ports": [{"port": 443}]}])],
        "spec.egress[0].to",
        (0, _EGRESS),
    ),
    Compliant(
        "network-policy-names-peers",
        "pods, and addresses",
        [
            change(
                network_policy(),
                _INGRESS,
                [{"from": [{"podSelector": {}}]}, {"from": [_EVERYWHERE]}],
            )
        ],
    ),
    NotApplicable("network-policy-names-peers", "a Service", [service()]),
    Violating(
        "network-policy-selects-pods",
        "a policy for pods that there are not",
        [workload(), network_policy(_OTHER)],
        "spec.podSelector",
        (1, ("spec", "podSelector", "matchLabels")),
    ),
    Compliant(
        "network-policy-selects-pods",
        "a policy for some pods, and one for all",
        [workload(), network_policy(_SELECTED), network_policy()],
    ),
    NotApplicable("network-policy-selects-pods", "a Service", [service()]),
    *(
        Violating(
            "no-open-egress",
            f"{sentence} that reaches everything",
            [manifest, policy],
            "spec.egress[0].to[0].ipBlock.cidr",
            (1, (*_EGRESS, 0)),
        )
        for sentence, manifest, policy in (
            ("a model server", model_server(), _MINE),
            (
                "a database",
                database(),
                change(
                    _MINE, ("spec", "podSelector"), {"matchLabels": {"cnpg.io/cluster": "chat"}}
                ),
            ),
            (
                "a pod with a claim",
                change(
                    workload(),
                    ("spec", "template", "spec", "volumes", 0),
                    {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                ),
                _MINE,
            ),
            (
                "a model server by two halves",
                model_server(),
                change(
                    _MINE,
                    _EGRESS,
                    [{"to": [{"ipBlock": {"cidr": c}} for c in ("0.0.0.0/1", "128.0.0.0/1")]}],
                ),
            ),
        )
    ),
    Compliant(
        "no-open-egress",
        "a pod without data that reaches everything, and a model that reaches a mirror",
        [
            change(workload(), ("metadata", "namespace"), "gateway"),
            change(_MINE, ("metadata", "namespace"), "gateway"),
            model_server(),
            change(_MINE, _EGRESS, [{"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}]),
        ],
    ),
    NotApplicable("no-open-egress", "a Service", [service()]),
)

_TYPE = ("spec", "type")
_HOST = ("spec", "rules", 0, "host")
_SERVING: Manifest = change(service(), ("spec", "selector"), dict(LABELS))
_ANNOTATIONS = ("metadata", "annotations")


def _backed(name: str) -> Manifest:
    path: dict[str, Any] = {"backend": {"service": {"name": name}}}
    return change(ingress(), ("spec", "rules", 0, "http"), {"paths": [path]})


EXPOSURE: tuple[Case, ...] = (
    Violating(
        "no-node-port",
        "a port on every node",
        [change(service(), _TYPE, "NodePort")],
        "spec.type",
        (0, _TYPE),
    ),
    Compliant("no-node-port", "a Service inside the cluster", [service()]),
    NotApplicable("no-node-port", "a ConfigMap", [config_map()]),
    Violating(
        "no-load-balancer",
        "an address of its own",
        [change(service(), _TYPE, "LoadBalancer")],
        "spec.type",
        (0, _TYPE),
    ),
    Violating(
        "no-load-balancer",
        "somebody's address",
        [change(service(), ("spec", "externalIPs"), ["203.0.113.1"])],
        "spec.externalIPs",
        (0, ("spec", "externalIPs")),
    ),
    Compliant("no-load-balancer", "a Service inside the cluster", [service()]),
    NotApplicable("no-load-balancer", "a ConfigMap", [config_map()]),
    *(
        Violating(
            "route-hosts",
            sentence,
            [change(ingress(), _HOST, host)],
            "spec.rules[0].host",
            (0, _HOST),
        )
        for sentence, host in (("no host", None), ("a wildcard", "*.example.org"))
    ),
    Violating(
        "route-hosts",
        "a host of two Ingresses",
        [ingress(), change(ingress(), ("metadata", "name"), "other")],
        "spec.rules[0].host",
    ),
    Violating(
        "route-hosts",
        "a route to a Service that there is not",
        [change(route(), ("spec", "rules", 0, "backendRefs", 0, "name"), "other"), service()],
        "the backend",
        (1, ("metadata", "name")),
    ),
    Compliant(
        "route-hosts",
        "one host of one Ingress, and a route to a Service",
        [_backed("chat"), route(), service()],
    ),
    NotApplicable("route-hosts", "a Gateway", [gateway()]),
    Violating(
        "no-nginx-ingress",
        "lines for nginx.conf",
        [change(ingress(), _ANNOTATIONS, {"nginx.ingress.kubernetes.io/server-snippet": "x"})],
        "server-snippet",
        (0, _ANNOTATIONS),
    ),
    Violating(
        "no-nginx-ingress",
        "a controller that was retired",
        [change(ingress(), ("spec", "ingressClassName"), "nginx")],
        "spec.ingressClassName",
        (0, ("spec", "ingressClassName")),
    ),
    Compliant(
        "no-nginx-ingress",
        "another controller",
        [change(ingress(), ("spec", "ingressClassName"), "kong")],
    ),
    NotApplicable("no-nginx-ingress", "a Service", [service()]),
    Violating(
        "inference-behind-gateway",
        "a model server with an address of its own",
        [model_server(), change(_SERVING, _TYPE, "LoadBalancer")],
        "spec.type",
        (1, _TYPE),
    ),
    Violating(
        "inference-behind-gateway",
        "an Ingress to a model server",
        [model_server(), _SERVING, _backed("chat")],
        "the backend",
        (2, ("spec", "rules")),
    ),
    Violating(
        "inference-behind-gateway",
        "addresses that may call a model server",
        [
            model_server(),
            change(network_policy(_SELECTED), _INGRESS, [{"from": [_EVERYWHERE]}]),
        ],
        "spec.ingress",
        (1, ("metadata", "namespace")),
    ),
    Compliant(
        "inference-behind-gateway",
        "pods that may, and an Ingress to another",
        [
            model_server(),
            _SERVING,
            _backed("router"),
            change(network_policy(_SELECTED), _INGRESS, [{"from": [{"podSelector": {}}]}]),
        ],
    ),
    NotApplicable("inference-behind-gateway", f"a Namespace {NAMESPACE}", [namespace()]),
)
