"""What is in the cluster and not the stack's is found, with whose it is, and refused."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from components import program
from components.cluster_reader import ForbiddenError
from components.existing.gpu_nodes import advertised_twice
from components.existing.named_objects import FixedNames, Named, clashes
from components.existing.namespaces import foreign_namespaces, takeovers, unknown_to_state
from components.existing.owner import owner
from components.existing.reader import Permitted
from config.settings.platform import TIERS, Namespaces, PlatformSettings
from config.settings.pools import GpuPoolSettings
from tests import urns
from tests.platform_settings import platform_settings

Object = Mapping[str, Any]

PART = {"app.kubernetes.io/part-of": "private-ai"}
OWN = PART | {"private-ai.dev/stack": "prod"}
BEFORE = PART | {"private-ai.dev/tier": "monitoring"}
OTHER = OWN | {"private-ai.dev/stack": "staging"}
CLASHES = {
    "no label": {},
    "the name's own label": {"kubernetes.io/metadata.name": "monitoring"},
    "another team": {"team": "supervision"},
    "a Helm release": {"app.kubernetes.io/managed-by": "Helm"},
    "part of another product": {"app.kubernetes.io/part-of": "kube-prometheus"},
    "only a tier": {"private-ai.dev/tier": "monitoring"},
    "only a stack": {"private-ai.dev/stack": "prod"},
}
PLURALS = {
    "/api/v1": {
        "Service": "services",
        "Secret": "secrets",
        "PersistentVolumeClaim": "persistentvolumeclaims",
        "Pod": "pods",
    },
    "/apis/apps/v1": {"StatefulSet": "statefulsets", "Deployment": "deployments"},
    "/apis/minio.min.io/v2": {"Tenant": "tenants"},
    "/apis/postgresql.cnpg.io/v1": {"Cluster": "clusters"},
    "/apis/leaderworkerset.x-k8s.io/v1": {"LeaderWorkerSet": "leaderworkersets"},
}


class Cluster:
    """A cluster with the given namespaces and, by the path of a collection, objects."""

    def __init__(
        self,
        namespaces: Mapping[str, Mapping[str, str]],
        objects: Mapping[str, list[Object]] | None = None,
    ) -> None:
        self.namespaces, self.objects = namespaces, objects or {}
        self.read: list[str] = []

    def get(self, path: str) -> Object | None:
        """A namespace, or the kinds of a version of an API."""
        if kinds := PLURALS.get(path):
            served = [{"kind": kind, "name": name} for kind, name in kinds.items()]
            return {"resources": [*served, {"kind": "PodExecOptions", "name": "pods/exec"}]}
        name = path.removeprefix("/api/v1/namespaces/")
        if name not in self.namespaces:
            return None
        return {"metadata": {"name": name, "labels": self.namespaces[name]}}

    def items(self, path: str) -> list[Object]:
        """The objects of a collection."""
        self.read.append(path)
        return self.objects.get(path, [])

    def metadata(self, path: str) -> list[Object]:
        """Their metadata."""
        return [item["metadata"] for item in self.items(path)]


def named(name: str, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("labels", CLASHES.values(), ids=CLASHES)
def test_a_namespace_of_somebody_else_is_refused_with_its_labels(
    tier: str, labels: dict[str, str]
) -> None:
    name = getattr(Namespaces(), tier)

    [problem] = foreign_namespaces(Cluster({name: labels}), platform_settings(), "prod")

    assert problem.path == f"platform.namespaces.{tier}"
    assert problem.got.startswith(f"Namespace {name}, which this stack did not create (labels: ")
    assert f"add {tier} to platform.adopt_namespaces" in problem.change


@pytest.mark.parametrize("labels", [OWN, BEFORE])
def test_what_this_stack_created_is_its_own_also_before_it_said_so(labels: dict[str, str]) -> None:
    assert (
        list(foreign_namespaces(Cluster({"monitoring": labels}), platform_settings(), "prod")) == []
    )


def test_what_is_in_it_is_listed_by_name() -> None:
    apps = "/apis/apps/v1/namespaces/monitoring"
    cluster = Cluster(
        {"monitoring": {"team": "supervision"}},
        {
            f"{apps}/deployments": [named("grafana"), named("operator")],
            f"{apps}/statefulsets": [named(f"db-{n}") for n in range(5)],
            f"{apps}/daemonsets": [named("own", labels=PART)],
            "/api/v1/namespaces/monitoring/pods": [named("grafana-1", ownerReferences=[{}])],
        },
    )

    [problem] = foreign_namespaces(cluster, platform_settings(), "prod")

    assert problem.got == (
        "Namespace monitoring, which this stack did not create (labels: team=supervision); in it:"
        " Deployment grafana, Deployment operator, StatefulSet db-0, StatefulSet db-1,"
        " StatefulSet db-2 and 2 more"
    )


def test_policies_and_quotas_of_others_are_listed_because_they_bind_the_stack_too() -> None:
    cluster = Cluster(
        {"auth": {}},
        {
            "/apis/networking.k8s.io/v1/namespaces/auth/networkpolicies": [named("open")],
            "/api/v1/namespaces/auth/resourcequotas": [named("small")],
            "/api/v1/namespaces/auth/limitranges": [named("tight")],
        },
    )

    [problem] = foreign_namespaces(cluster, platform_settings(), "prod")

    assert problem.got.endswith("in it: NetworkPolicy open, ResourceQuota small, LimitRange tight")


def test_all_of_them_at_once_but_those_that_are_adopted() -> None:
    cluster = Cluster({"monitoring": {}, "auth": {}, "kong": {}})

    found = list(foreign_namespaces(cluster, platform_settings(adopt_namespaces=["auth"]), "prod"))

    assert [p.path for p in found] == [
        "platform.namespaces.gateway",
        "platform.namespaces.monitoring",
    ]


def test_the_namespace_of_another_stack_cannot_be_adopted() -> None:
    settings = platform_settings(adopt_namespaces=["auth"])

    [problem] = foreign_namespaces(Cluster({"auth": OTHER}), settings, "prod")

    assert problem.got.startswith("Namespace auth, which belongs to the stack staging; in it: ")
    assert problem.change == "choose another name for platform.namespaces.auth"
    assert list(takeovers(Cluster({"auth": OTHER}), settings, "prod")) == []


def test_what_is_taken_over_is_told_while_it_is_not_yet_the_stacks() -> None:
    settings = platform_settings(adopt_namespaces=["auth"])
    there = {"/apis/apps/v1/namespaces/auth/deployments": [named("dex")]}

    [told] = takeovers(Cluster({"auth": {"team": "sso"}}, there), settings, "prod")

    assert told.startswith("Takes over Namespace auth (labels: team=sso), closes it")
    assert told.endswith("in it: Deployment dex")
    assert list(takeovers(Cluster({"auth": OWN}, there), settings, "prod")) == []
    assert list(takeovers(Cluster({}), settings, "prod")) == []


def test_namespaces_that_a_lost_state_created_are_told_with_the_ways_out() -> None:
    cluster = Cluster({"auth": OWN, "kong": OWN, "monitoring": {}, "llm-data": OTHER})
    settings = platform_settings(adopt_namespaces=["gateway"])

    [problem] = unknown_to_state(cluster, settings, "prod", TIERS)
    assert "does not know the namespaces auth, although" in problem.got
    for way in ("PULUMI_BACKEND_URL", "pulumi stack import", "kubectl delete", "adopt_namespaces"):
        assert way in problem.change
    assert list(unknown_to_state(cluster, settings, "prod", ["monitoring", "data"])) == []


TENANT = Named("minio.min.io/v2", "Tenant", "minio", "llm-storage")
CLUSTER = Named("postgresql.cnpg.io/v1", "Cluster", "llm-data", "keycloak-db")
REDIS = Named("apps/v1", "StatefulSet", "llm-data", "redis")
SERVICE = Named("v1", "Service", "monitoring", "grafana")
GROUP = Named("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "llm-production", "big")
TAKEN = {
    "a Service": (SERVICE, "/api/v1", "services", "grafana"),
    "a StatefulSet": (REDIS, "/apis/apps/v1", "statefulsets", "redis"),
    "its claim": (REDIS, "/api/v1", "persistentvolumeclaims", "data-redis-0"),
    "a Tenant": (TENANT, "/apis/minio.min.io/v2", "tenants", "llm-storage"),
    "its Service": (TENANT, "/api/v1", "services", "minio"),
    "its headless Service": (TENANT, "/api/v1", "services", "llm-storage-hl"),
    "its pool": (TENANT, "/apis/apps/v1", "statefulsets", "llm-storage-pool-0"),
    "its disk": (TENANT, "/api/v1", "persistentvolumeclaims", "data0-llm-storage-pool-0-1"),
    "a database": (CLUSTER, "/apis/postgresql.cnpg.io/v1", "clusters", "keycloak-db"),
    "a database's Service": (CLUSTER, "/api/v1", "services", "keycloak-db-rw"),
    "a database's Secret": (CLUSTER, "/api/v1", "secrets", "keycloak-db-ca"),
    "a database's disk": (CLUSTER, "/api/v1", "persistentvolumeclaims", "keycloak-db-1"),
    "a group": (GROUP, "/apis/leaderworkerset.x-k8s.io/v1", "leaderworkersets", "big"),
    "a group's leaders": (GROUP, "/apis/apps/v1", "statefulsets", "big"),
    "a group's workers": (GROUP, "/apis/apps/v1", "statefulsets", "big-0"),
}
ADOPTED = platform_settings(adopt_namespaces=list(TIERS))


@pytest.mark.parametrize("case", TAKEN.values(), ids=TAKEN)
def test_a_name_that_somebody_else_has_is_refused_in_an_adopted_namespace(
    case: tuple[Named, str, str, str],
) -> None:
    wanted, root, plural, name = case
    path = f"{root}/namespaces/{wanted.namespace}/{plural}"
    cluster = Cluster({}, {path: [named(name, labels={"team": "them"}), named("other")]})

    [problem] = clashes(cluster, [wanted], ADOPTED)

    assert f" {wanted.namespace}/{name}, which this stack did not create (labels: team=them)" in (
        problem.got
    )
    tier = next(t for t in TIERS if getattr(Namespaces(), t) == wanted.namespace)
    assert problem.path == f"platform.namespaces.{tier}"
    assert problem.change.endswith(f"or choose another name for platform.namespaces.{tier}")
    needed = f"; the {wanted.kind} {wanted.name} needs its name"
    assert problem.got.endswith(needed) != problem.got.startswith(f"{wanted.kind} ")


OWNED = {
    "by its label": {"labels": PART},
    "by its owner": {"ownerReferences": [{"kind": "Tenant", "name": "llm-storage"}]},
    "by its operator's label": {"labels": {"v1.min.io/tenant": "llm-storage"}},
}


@pytest.mark.parametrize("metadata", OWNED.values(), ids=OWNED)
def test_what_the_stack_or_an_operator_created_for_it_is_its_own(metadata: dict[str, Any]) -> None:
    cluster = Cluster({}, {"/api/v1/namespaces/minio/services": [named("minio", **metadata)]})

    assert list(clashes(cluster, [TENANT], ADOPTED)) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": [{"kind": "Tenant", "name": "theirs"}]},
        {"labels": {"v1.min.io/tenant": "theirs"}},
    ],
)
def test_what_an_operator_created_for_others_is_theirs(metadata: dict[str, Any]) -> None:
    cluster = Cluster({}, {"/api/v1/namespaces/minio/services": [named("minio", **metadata)]})

    assert len(list(clashes(cluster, [TENANT], ADOPTED))) == 1


def test_nothing_is_read_of_namespaces_that_the_stack_created() -> None:
    cluster = Cluster({"monitoring": OWN})

    assert list(clashes(cluster, [SERVICE, REDIS, TENANT], platform_settings())) == []
    assert cluster.read == []


def test_each_collection_is_read_once() -> None:
    cluster = Cluster({})

    list(clashes(cluster, [SERVICE, Named("v1", "Service", "monitoring", "x"), TENANT], ADOPTED))

    assert len(cluster.read) == len(set(cluster.read))


def test_an_object_says_whose_it_is() -> None:
    metadata = {
        "labels": {"app.kubernetes.io/managed-by": "Helm", "argocd.argoproj.io/instance": "shop"},
        "annotations": {"meta.helm.sh/release-name": "graf\x1b[31mana"},
        "ownerReferences": [{"kind": "Grafana", "name": "main"}],
        "managedFields": [
            {"manager": "helm", "operation": "Update"},
            {"manager": "kube-controller-manager", "subresource": "status"},
        ],
    }

    assert owner(metadata) == (
        "labels: app.kubernetes.io/managed-by=Helm, argocd.argoproj.io/instance=shop; Argo CD's"
        " application shop; Helm's release graf[31mana; owned by Grafana main; written by helm"
    )
    assert owner({}) == "labels: none"


def _pools(**changes: Any) -> dict[str, GpuPoolSettings]:
    return {"h200": GpuPoolSettings(gpu="h200-141gb", gpus_per_node=8, nodes=1, **changes)}


def _plugin(image: str, labels: Mapping[str, str]) -> Object:
    sockets = {"name": "sockets", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}
    pod = {"volumes": [sockets], "containers": [{"name": "c", "image": image}]}
    metadata = {"name": "plugin", "namespace": "theirs", "uid": "1", "labels": labels}
    return {"metadata": metadata, "spec": {"template": {"spec": pod}}}


def _gpu_cluster(plugin: Object, namespace: Mapping[str, str], node: str = "n1") -> Cluster:
    pod = {"metadata": {"ownerReferences": [{"uid": "1"}]}, "spec": {"nodeName": node}}
    return Cluster(
        {"theirs": namespace},
        {
            "/apis/apps/v1/daemonsets": [plugin],
            "/api/v1/nodes": [
                named("n1", labels={"private-ai.dev/gpu-pool": "h200"}),
                named("n2", labels={"private-ai.dev/gpu-pool": "l40s"}),
            ],
            "/api/v1/namespaces/theirs/pods": [pod],
        },
    )


NVIDIA = "nvcr.io/nvidia/k8s-device-plugin:v0.18.0"


@pytest.mark.parametrize(
    "image",
    [NVIDIA, "mirror.test:5000/nvidia/k8s-device-plugin@sha256:00", "gke/nvidia-gpu-device-plugin"],
)
def test_gpus_that_another_plugin_advertises_are_refused(image: str) -> None:
    cluster = _gpu_cluster(_plugin(image, {"app": "gpu-operator"}), {})

    [problem] = advertised_twice(cluster, _pools(), "prod")

    assert problem.path == "pools.h200"
    assert problem.got == (
        "DaemonSet theirs/plugin, which this stack did not create (labels: app=gpu-operator),"
        " advertises the GPUs of n1"
    )
    assert "pools.h200.operator: already-there" in problem.change


def test_gpus_of_another_stack_are_refused() -> None:
    [problem] = advertised_twice(_gpu_cluster(_plugin(NVIDIA, PART), OTHER), _pools(), "prod")

    assert "theirs/plugin, which belongs to the stack staging" in problem.got


@pytest.mark.parametrize(
    ("cluster", "pools"),
    [
        (_gpu_cluster(_plugin(NVIDIA, PART), OWN), _pools()),
        (_gpu_cluster(_plugin(NVIDIA, {}), {}, node="n2"), _pools()),
        (_gpu_cluster(_plugin("intel/intel-gpu-plugin:1", {}), {}), _pools()),
        (_gpu_cluster(_plugin(NVIDIA, {}), {}), _pools(operator="already-there")),
        (_gpu_cluster(_plugin(NVIDIA, {}), {}), _pools(allocation="dra", operator="already-there")),
    ],
    ids=["the stack's own", "on other nodes", "of other devices", "expected", "claims"],
)
def test_other_plugins_are_nobodys_problem(
    cluster: Cluster, pools: dict[str, GpuPoolSettings]
) -> None:
    assert list(advertised_twice(cluster, pools, "prod")) == []


def test_of_its_own_plugin_alone_neither_nodes_nor_pods_are_read() -> None:
    """The role of previews may not read them."""
    cluster = _gpu_cluster(_plugin(NVIDIA, PART), OWN)

    assert list(advertised_twice(cluster, _pools(), "prod")) == []
    assert cluster.read == ["/apis/apps/v1/daemonsets"]


def test_what_may_not_be_read_hides_nothing_else() -> None:
    class Guarded(Cluster):
        def items(self, path: str) -> list[Object]:
            if path.endswith(("secrets", "pods")):
                raise ForbiddenError(path)
            return super().items(path)

    services = {"/api/v1/namespaces/llm-data/services": [named("keycloak-db-rw")]}
    cluster = Permitted(Guarded({"monitoring": {}}, services))

    [taken] = clashes(cluster, [CLUSTER], ADOPTED)
    [problem] = foreign_namespaces(cluster, platform_settings(), "prod")

    assert taken.got.startswith("Service llm-data/keycloak-db-rw, which")
    assert problem.got.endswith("in it: nothing that was found")
    assert cluster.hidden == [
        "/api/v1/namespaces/llm-data/secrets",
        "/api/v1/namespaces/monitoring/pods",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", urns.files())
def test_every_object_of_a_stack_is_in_a_namespace_of_its_own_or_is_looked_up(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By construction: no list of names has to be kept."""
    recorded: list[FixedNames] = []

    def record(settings: PlatformSettings) -> FixedNames:
        recorded.append(FixedNames(settings))
        return recorded[-1]

    monkeypatch.setattr(program, "FixedNames", record)
    objects = list(_objects(urns.asked_for.__wrapped__(name)))

    [names] = recorded
    own = {getattr(names.settings.namespaces, tier) for tier in TIERS}
    fixed = {each for each in objects if each.name and each.kind != "Namespace"}
    assert fixed == set(names.found)
    # What is neither in a tier nor looked up has an automatic name, which nobody else has.
    assert {each.namespace for each in fixed} <= own
    assert {e.name for e in objects if e.kind == "Namespace"} == own


def _objects(asked: urns.Recorded) -> Iterable[Named]:
    for each in asked.values():
        if each.type.startswith("kubernetes:"):
            metadata = each.inputs.get("metadata", {})
            api_version, kind = each.type.removeprefix("kubernetes:").rsplit(":", 1)
            yield Named(
                api_version.removeprefix("core/"),
                kind,
                metadata.get("namespace", ""),
                metadata.get("name", ""),
            )
