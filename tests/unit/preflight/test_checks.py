"""Each check of `pai preflight`: what it says of a cluster that fits, and of one that does not."""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.cluster_reader import ClusterReader
from config.settings.cluster import StorageClassConfig
from config.settings.hosts import Hosts
from config.stack import StackConfig
from preflight import api_checks, network_checks, node_checks
from preflight.needs import fixed_names, needs
from preflight.result import Result
from tests.platform_settings import platform_settings

GPU = "nvidia.com/gpu"


def cluster(found: Mapping[str, Any]) -> ClusterReader:
    """A cluster that has *found*: an object, or the items of a collection, by path."""

    class Fake:
        def get(self, path: str) -> Any:
            return found.get(path)

        def items(self, path: str) -> Any:
            return found.get(path, [])

        def metadata(self, path: str) -> Any:
            return [item["metadata"] for item in found.get(path, [])]

    return cast("ClusterReader", Fake())


def states(results: Iterable[Result]) -> list[tuple[str, str]]:
    return [(r.check, r.status) for r in results]


@pytest.mark.parametrize(
    ("version", "status"),
    [("v1.30.0", "ok"), ("v1.34.2-eks-1", "ok"), ("v2.0.0", "ok"), ("v1.29.9", "problem")],
)
def test_the_version_of_kubernetes(version: str, status: str) -> None:
    [result] = api_checks.version(cluster({"/version": {"gitVersion": version}}))

    assert (result.status, result.found) == (status, version)


def test_a_version_that_is_none_is_a_problem() -> None:
    assert states(api_checks.version(cluster({}))) == [("kubernetes version", "problem")]


def test_a_kind_that_is_not_served_names_its_operator() -> None:
    wanted = needs(
        [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}},
            {
                "apiVersion": "minio.min.io/v2",
                "kind": "Tenant",
                "metadata": {"name": "store"},
            },
        ]
    )
    served = {"/api/v1": {"resources": [{"kind": "Secret"}]}}

    [result] = api_checks.kinds(cluster(served), wanted)

    assert (result.check, result.status) == ("kind Tenant (minio.min.io/v2)", "problem")
    assert result.found == "not served; store is one"
    assert result.remedy == "install minio 7.0 or later: github.com/minio/operator"


@pytest.mark.parametrize(
    ("image", "ready", "status"),
    [
        ("ghcr.io/kedacore/keda:2.18.1", 1, "ok"),
        ("mirror.test/kedacore/keda:v2.17.0@sha256:00", 2, "ok"),
        ("ghcr.io/kedacore/keda:2.16.1", 1, "problem"),
        ("ghcr.io/kedacore/keda:2.18.1", 0, "problem"),
        ("ghcr.io/other/thing:1.0.0", 1, "unknown"),
    ],
)
def test_an_operator_is_found_by_its_image(image: str, ready: int, status: str) -> None:
    deployment = {
        "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
        "status": {"readyReplicas": ready},
    }

    found = api_checks.operators(cluster({"/apis/apps/v1/deployments": [deployment]}), ["keda"])

    assert states(found) == [("operator keda", status)]


@pytest.mark.parametrize(
    ("there", "status"),
    [
        ([{"volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True}], "ok"),
        ([{"volumeBindingMode": "Immediate", "allowVolumeExpansion": True}], "problem"),
        ([{"volumeBindingMode": "WaitForFirstConsumer"}], "problem"),
        ([], "problem"),
    ],
)
def test_a_storage_class_binds_and_grows_as_expected(there: list[Any], status: str) -> None:
    items = [{"metadata": {"name": "fast"}, "provisioner": "csi.test", **entry} for entry in there]
    classes = cluster({"/apis/storage.k8s.io/v1/storageclasses": items})

    found = api_checks.storage_classes(classes, [StorageClassConfig(name="fast")])

    assert states(found) == [("storage class fast", status)]


@pytest.mark.parametrize(
    ("daemon_sets", "status"),
    [(["calico-node"], "ok"), (["kube-flannel-ds"], "problem"), (["fluent-bit"], "unknown")],
)
def test_a_plugin_that_enforces_nothing_is_a_problem(daemon_sets: list[str], status: str) -> None:
    sets = [{"metadata": {"name": name, "namespace": "kube-system"}} for name in daemon_sets]

    found = network_checks.plugin(cluster({"/apis/apps/v1/daemonsets": sets}))

    assert states(found) == [("network plugin", status)]


@pytest.mark.parametrize(("modes", "status"), [("nodes", "ok"), ("", "problem")])
def test_cilium_must_match_nodes_by_cidr(modes: str, status: str) -> None:
    settings = {"data": {"policy-cidr-match-mode": modes}}
    found = network_checks.plugin(
        cluster(
            {
                "/apis/apps/v1/daemonsets": [
                    {"metadata": {"name": "cilium", "namespace": "kube-system"}}
                ],
                "/api/v1/namespaces/kube-system/configmaps/cilium-config": settings,
            }
        )
    )

    assert states(found)[1] == ("Cilium's policy-cidr-match-mode", status)


@pytest.mark.parametrize(
    ("runs", "cidrs", "status"),
    [(False, [], "ok"), (True, [], "problem"), (True, ["169.254.20.10/32"], "ok")],
)
def test_a_dns_cache_needs_its_address(runs: bool, cidrs: list[str], status: str) -> None:
    sets = [{"metadata": {"name": "node-local-dns"}}] if runs else []
    found = network_checks.dns_cache(
        cluster({"/apis/apps/v1/daemonsets": sets}), platform_settings(dns_cache_cidrs=cidrs)
    )

    assert states(found) == [("NodeLocal DNSCache", status)]


@pytest.mark.parametrize(
    ("addresses", "status"),
    [(["10.0.0.1"], "ok"), (["10.0.0.1", "10.0.0.2"], "problem"), ([], "unknown")],
)
def test_the_api_server_is_where_the_settings_say(addresses: list[str], status: str) -> None:
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
    found = list(
        network_checks.api_server(
            cluster({path: {"endpoints": [{"addresses": addresses}]}}), platform_settings()
        )
    )

    assert states(found) == [("API server's addresses", status)]
    if status == "problem":
        assert found[0].remedy == "add 10.0.0.2/32 to platform.api_server_cidrs"


def _node(**changes: Any) -> dict[str, Any]:
    node = {
        "metadata": {"name": "n", "labels": {"private-ai.dev/gpu-pool": "h200"}},
        "spec": {"taints": [{"key": GPU}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "allocatable": {GPU: "8"},
        },
    }
    return node | changes


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "ok"),
        ({"metadata": {"name": "n", "labels": {}}}, "problem"),
        ({"spec": {}}, "problem"),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "problem"),
        ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "unknown"),
    ],
)
def test_a_pool_is_made_of_nodes_with_its_label_its_taint_and_gpus(
    changes: dict[str, Any], status: str
) -> None:
    ready = node_checks.ready_nodes(cluster({"/api/v1/nodes": [_node(**changes)]}))

    assert states([node_checks.pool("h200", 1, ready)]) == [("pool h200", status)]


def test_the_runtime_classes_of_others_must_be_there() -> None:
    pod = {"template": {"spec": {"runtimeClassName": "nvidia"}}}
    workload = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "plugin"}}
    own = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}}

    missing = needs([workload | {"spec": pod}])
    created = needs([workload | {"spec": pod}, own])

    assert states(api_checks.runtime_classes(cluster({}), missing)) == [
        ("runtime class nvidia", "problem")
    ]
    assert states(api_checks.runtime_classes(cluster({}), created)) == []


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({"/apis": {"groups": [{"name": "metallb.io"}]}}, "ok"),
        ({"/api/v1/nodes": [{"spec": {"providerID": "aws:///eu-west-3a/i-1"}}]}, "ok"),
        ({"/api/v1/nodes": [{"spec": {"providerID": "kwok://n"}}]}, "unknown"),
    ],
)
def test_something_has_to_give_the_gateway_an_address(found: dict[str, Any], status: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kong", "namespace": "kong"},
        "spec": {"type": "LoadBalancer"},
    }

    result = network_checks.load_balancer(cluster(found), needs([service]))

    assert states(result) == [("load balancer for kong/kong", status)]


def test_a_public_name_that_something_else_answers_for_is_told() -> None:
    place = {"namespace": "web", "name": "chat"}
    found = network_checks.hosts(
        cluster(
            {
                "/apis/networking.k8s.io/v1/ingresses": [
                    {"metadata": place, "spec": {"rules": [{"host": "ai.test"}, {}]}},
                    {"metadata": place, "spec": {}},
                ],
                "/apis/gateway.networking.k8s.io/v1/httproutes": [
                    {"metadata": place, "spec": {"hostnames": ["auth.test"]}}
                ],
            }
        ),
        Hosts(ai="ai.test", auth="auth.test", monitoring="monitoring.test"),
    )

    assert [(r.check, r.status, r.found.split(" answers")[0]) for r in found] == [
        ("host ai.test", "unknown", "Ingress web/chat"),
        ("host auth.test", "unknown", "HTTPRoute web/chat"),
        ("host monitoring.test", "ok", "nothing else of the cluster"),
    ]


def test_what_others_have_is_a_problem_each_and_what_is_adopted_is_to_find_out() -> None:
    config = SimpleNamespace(platform=platform_settings(adopt_namespaces=["auth"]), pools={})
    found = {
        "/api/v1/namespaces/monitoring": {"metadata": {"name": "monitoring"}},
        "/api/v1/namespaces/auth": {"metadata": {"name": "auth"}},
        "/api/v1": {"resources": [{"kind": "Service", "name": "services"}]},
        "/api/v1/namespaces/auth/services": [{"metadata": {"name": "keycloak"}}],
    }
    named = fixed_names(
        [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "keycloak", "namespace": "auth"},
            },
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "auth"}},
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "auth"}},
        ]
    )

    results = api_checks.existing(cluster(found), cast("StackConfig", config), "prod", named)

    assert states(results) == [
        ("Namespace monitoring", "problem"),
        ("Service auth/keycloak", "problem"),
        ("adopted namespace", "unknown"),
    ]
    assert states(api_checks.existing(cluster({}), cast("StackConfig", config), "prod", named)) == [
        ("names", "ok")
    ]
