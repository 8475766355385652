"""What the tables of upgrades say, against a real API server, a real engine and its provider."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from catalog.upgrades.judge import judge
from review.report import Verdict
from sim.api import Api, Object, RefusedError
from tests.engine.checkout import Checkout, checkout
from tests.engine.review_cases import reviewed
from tests.engine.sim_support import eventually, got
from tests.unit.catalog.upgrade_cases import changed


def _kept(settings: Any) -> None:
    settings["platform"]["disposable"] = False


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The local stack as one that keeps its data: protected, retained, enforced."""
    with (
        checkout("local", tmp_path_factory.mktemp("kept")) as there,
        there.configured(_kept),
    ):
        done = there.pulumi("up", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        yield there


class Change(NamedTuple):
    """A change of one object of the stack, for the API server and the table."""

    kind: str
    collection: str
    """Path of its kind over all namespaces."""
    name: str
    """How its name begins."""
    field: str
    value: Any
    refused: bool


_SETS = ("StatefulSet.apps", "/apis/apps/v1/statefulsets", "qdrant")
_CLAIM = ("PersistentVolumeClaim", "/api/v1/persistentvolumeclaims", "chat-weights")
_TENANT = ("Tenant.minio.min.io", "/apis/minio.min.io/v2/tenants", "llm-storage")
_POLICIES = {"whenDeleted": "Retain", "whenScaled": "Delete"}
CHANGES = {
    "a disk": Change(
        *_SETS, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "99Gi", True
    ),
    "the class of a disk": Change(
        *_SETS, "spec.volumeClaimTemplates.0.spec.storageClassName", "shared", True
    ),
    "the service of a set": Change(*_SETS, "spec.serviceName", "other", True),
    "the order of a set": Change(*_SETS, "spec.podManagementPolicy", "OrderedReady", True),
    "members of a set": Change(*_SETS, "spec.replicas", 7, False),
    "history of a set": Change(*_SETS, "spec.revisionHistoryLimit", 3, False),
    "claims kept by a set": Change(
        *_SETS, "spec.persistentVolumeClaimRetentionPolicy", _POLICIES, False
    ),
    "a smaller claim": Change(*_CLAIM, "spec.resources.requests.storage", "1Gi", True),
    "the class of a claim": Change(*_CLAIM, "spec.storageClassName", "standard", True),
    "servers of a pool": Change(*_TENANT, "spec.pools.0.servers", 9, True),
    "volumes of a server": Change(*_TENANT, "spec.pools.0.volumesPerServer", 9, True),
    "labels of a pool": Change(*_TENANT, "spec.pools.0.labels", {"a": "b"}, False),
    "a selector": Change(
        *("Deployment.apps", "/apis/apps/v1/deployments", "keycloak"),
        *("spec.selector.matchLabels.a", "b", True),
    ),
    "replicas": Change(
        *("Deployment.apps", "/apis/apps/v1/deployments", "keycloak", "spec.replicas", 3, False)
    ),
    "a Job": Change(
        *("Job.batch", "/apis/batch/v1/jobs", "qdrant"),
        *("spec.template.spec.terminationGracePeriodSeconds", 7, True),
    ),
    "a Job's mode": Change(
        *("Job.batch", "/apis/batch/v1/jobs", "qdrant", "spec.completionMode", "Indexed", True)
    ),
    "an address": Change(
        *("Service", "/api/v1/services", "keycloak", "spec.clusterIP", "10.96.77.77", True)
    ),
    "a type": Change("Secret", "/api/v1/secrets", "keycloak", "type", "other/type", True),
    "a priority": Change(
        *("PriorityClass.scheduling.k8s.io", "/apis/scheduling.k8s.io/v1/priorityclasses"),
        *("foundation", "value", 77, True),
    ),
    "a policy of preemption": Change(
        *("PriorityClass.scheduling.k8s.io", "/apis/scheduling.k8s.io/v1/priorityclasses"),
        *("foundation", "preemptionPolicy", "Never", True),
    ),
    "a class of storage": Change(
        *("StorageClass.storage.k8s.io", "/apis/storage.k8s.io/v1/storageclasses"),
        *("standard", "reclaimPolicy", "Retain", True),
    ),
    "a class that does not expand": Change(
        *("StorageClass.storage.k8s.io", "/apis/storage.k8s.io/v1/storageclasses"),
        *("standard", "allowVolumeExpansion", False, False),
    ),
}


def _find(api: Api, change: Change) -> tuple[str, Object]:
    """Path and content of the object."""
    found = next(
        item
        for item in api.items(change.collection)
        if item["metadata"]["name"].startswith(change.name)
    )
    base, _, plural = change.collection.rpartition("/")
    namespace = found["metadata"].get("namespace")
    room = f"{base}/namespaces/{namespace}" if namespace else base
    return f"{room}/{plural}/{found['metadata']['name']}", found


@pytest.mark.parametrize("name", CHANGES)
def test_the_table_and_the_api_server_refuse_the_same(kept: Checkout, name: str) -> None:
    change, api = CHANGES[name], kept.cluster.api()
    path, old = _find(api, change)
    top = change.field.partition(".")[0]
    new = changed(old, change.field, change.value)
    old.pop("apiVersion", None)

    try:
        api.merge(f"{path}?dryRun=All", {top: new[top]})
        refused = ""
    except RefusedError as error:
        refused = str(error)

    said = [j for j in judge(change.kind, old, new, protected=True) if not j.data]
    assert bool(refused) is change.refused, refused
    assert [j.effect for j in said] == (["refused"] if change.refused else [])


def _tags(kept: Checkout, tags: Mapping[str, str]) -> Any:
    """The checkout with another tag of each image."""

    def edit(text: str) -> str:
        for image, tag in tags.items():
            head, found, rest = text.partition(f"\n{image}:\n")
            before, key, after = rest.partition("  tag: ")
            assert found
            assert key
            text = f"{head}{found}{before}{key}{tag}\n{after.partition(chr(10))[2]}"
        return text

    return kept.edited("catalog/images.yaml", edit)


_OLDER = "an older one does not read"
_RISKS = {
    "qdrant": ("v1.21.0-unprivileged", "one minor version at a time: 1.20"),
    "redis": ("8.2.0-trixie", _OLDER),
    "postgres": ("16.9-standard-trixie", _OLDER),
    "minio": ("RELEASE.2025-04-08T15-41-24Z", _OLDER),
    "keycloak": ("26.6.0", _OLDER),
}
_KEEP = {
    "StatefulSet qdrant": "qdrant",
    "StatefulSet redis": "redis",
    "Cluster keycloak-db": "postgres",
    "Cluster open-webui-db": "postgres",
    "Tenant llm-storage": "minio",
    "Deployment keycloak": "keycloak",
}
"""The objects of which each image is."""


def test_steps_that_risk_data_are_refused_by_preview_and_all_named_by_review(
    kept: Checkout,
) -> None:
    with _tags(kept, {image: tag for image, (tag, _) in _RISKS.items()}):
        previewed = kept.pulumi("preview")
        report = reviewed(kept)

    assert previewed.code != 0
    assert any(said in previewed.output for _, said in _RISKS.values())
    assert "Traceback" not in previewed.output
    assert report.verdict is Verdict.REFUSED
    assert report.complete
    refused = {u.resource: u.problem.allowed for u in report.upgrades if u.effect == "refused"}
    assert refused.keys() == _KEEP.keys()
    for name, image in _KEEP.items():
        assert _RISKS[image][1] in refused[name]


def test_steps_that_are_allowed_are_previewed_with_a_warning_where_steps_are_needed(
    kept: Checkout,
) -> None:
    with _tags(kept, {"qdrant": "v1.20.3-unprivileged", "keycloak": "26.8.0"}):
        previewed = kept.pulumi("preview")
        report = reviewed(kept)

    assert previewed.code == 0, previewed.output
    assert "refused" not in previewed.output
    assert "--cascade=foreground" in previewed.output
    assert report.verdict is Verdict.CHANGES
    assert [(u.resource, u.effect) for u in report.upgrades] == [("Deployment keycloak", "steps")]


def _larger(settings: Any) -> None:
    settings.setdefault("redis", {})["storage"] = "70Gi"


def test_the_steps_to_a_larger_disk_work(kept: Checkout) -> None:
    """Refused at first; then each step as it is printed, and the pod never stops."""
    api = kept.cluster.api()
    path, old = _find(api, CHANGES["a disk"]._replace(name="redis"))
    namespace = old["metadata"]["namespace"]
    room = f"/api/v1/namespaces/{namespace}"
    pod, claims = f"{room}/pods/redis-0", f"{room}/persistentvolumeclaims"
    running = got(api, pod)["metadata"]["uid"]
    with kept.configured(_larger):
        previewed, report = kept.pulumi("preview"), reviewed(kept)
        done = kept.pulumi("up", "--yes", "--skip-preview")
        for refused in (previewed, done):
            assert refused.code != 0, refused.output
        [found] = [u for u in report.upgrades if u.effect == "refused"]
        assert report.verdict is Verdict.REFUSED
        assert report.failure is not None
        assert report.failure.fix.startswith("keep the old value"), report.failure.message

        _, grow, delete, up = found.steps
        names = grow.partition("for claim in ")[2].partition(";")[0].split()
        patch = json.loads(grow.partition("-p '")[2].partition("'")[0])
        for claim in names:
            api.merge(f"{claims}/{claim}", patch)
        assert f"kubectl delete -n {namespace} statefulset redis --cascade=orphan" in delete
        api.delete(f"{path}?propagationPolicy=Orphan")
        eventually(lambda: api.get(path) is None)
        assert "pulumi up --refresh" in up
        done = kept.pulumi("up", "--refresh", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        again = kept.pulumi("preview", "--expect-no-changes")

    [template] = got(api, path)["spec"]["volumeClaimTemplates"]
    assert template["spec"]["resources"]["requests"]["storage"] == "70Gi"
    assert names == ["data-redis-0"]
    claim = got(api, f"{claims}/data-redis-0")
    assert claim["spec"]["resources"]["requests"]["storage"] == "70Gi"
    assert got(api, pod)["metadata"]["uid"] == running
    assert again.code == 0, again.output
