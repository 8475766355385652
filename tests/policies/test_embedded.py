"""Pod templates inside custom resources are found and judged; other objects have none."""

from copy import deepcopy
from typing import Any

import pytest

from policies import UNKNOWN, Resource, check
from policies.checking import is_read
from policies.rules.pods import containers, pods
from tests.policies.manifests import (
    BOX,
    POD,
    change,
    claim,
    config_map,
    database,
    no_waivers,
    pod_spec,
    tenant,
    workload,
)

_BAD = {"name": "main", "image": "foo:latest", "securityContext": {"privileged": True}}
_TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [_BAD]}}


def custom(version: str, kind: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "models"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **deepcopy(rest)}


_MODEL = {"modelFormat": {"name": "huggingface"}, **_BAD}
_HOLDERS = {
    "KServe, a model": (
        custom(
            "serving.kserve.io/v1beta1", "InferenceService", spec={"predictor": {"model": _MODEL}}
        ),
        "spec.predictor.model.",
    ),
    "KServe, containers": (
        custom(
            "serving.kserve.io/v1beta1",
            "InferenceService",
            spec={"predictor": {"minReplicas": 1, "containers": [_BAD]}},
        ),
        "spec.predictor.containers[main].",
    ),
    "KServe, a runtime": (
        custom("serving.kserve.io/v1alpha1", "ServingRuntime", spec={"containers": [_BAD]}),
        "spec.containers[main].",
    ),
    "KAITO": (
        custom("kaito.sh/v1beta1", "Workspace", inference={"template": _TEMPLATE}),
        "inference.template.spec.containers[main].",
    ),
    "Ray": (
        custom(
            "ray.io/v1",
            "RayCluster",
            spec={
                "headGroupSpec": {"template": {"spec": pod_spec()}},
                "workerGroupSpecs": [{"groupName": "gpu", "template": _TEMPLATE}],
            },
        ),
        "spec.workerGroupSpecs[0].template.spec.containers[main].",
    ),
    "JobSet": (
        custom(
            "jobset.x-k8s.io/v1alpha2",
            "JobSet",
            spec={"replicatedJobs": [{"name": "a", "template": {"spec": {"template": _TEMPLATE}}}]},
        ),
        "spec.replicatedJobs[a].template.spec.template.spec.containers[main].",
    ),
    "a ReplicationController": (
        custom("v1", "ReplicationController", spec={"template": _TEMPLATE}),
        "spec.template.spec.containers[main].",
    ),
}


@pytest.mark.parametrize(("manifest", "path"), _HOLDERS.values(), ids=_HOLDERS)
def test_a_template_inside_a_custom_resource_is_judged(manifest: Any, path: str) -> None:
    resource = Resource.of(manifest)
    found = {(f.rule, f.path) for f in check([resource], waivers=no_waivers())}
    assert ("no-privileged", f"{path}securityContext.privileged") in found
    assert ("image-tag", f"{path}image") in found
    assert is_read(resource)


def test_the_labels_of_a_template_are_those_beside_its_spec() -> None:
    manifest, _ = _HOLDERS["KAITO"]
    [found] = pods(Resource.of(manifest))
    assert found.labels == {"app": "x"}


def test_every_template_is_found_in_the_order_of_the_manifest() -> None:
    manifest, _ = _HOLDERS["Ray"]
    assert [p.path for p in pods(Resource.of(manifest))] == [
        "spec.headGroupSpec.template.spec",
        "spec.workerGroupSpecs[0].template.spec",
    ]


_SCHEMA = {"properties": {"containers": {"type": "array", "items": {"type": "object"}}}}
_WITHOUT = (
    custom("kaito.sh/v1beta1", "Workspace", inference={"preset": {"name": "phi-4"}}),
    custom("x.example/v1", "Odd", spec={"containers": "not a list", "template": []}),
    custom("x.example/v1", "Odd", spec={"containers": []}),
    custom("x.example/v1", "Odd", spec={"containers": ["blue", "red"]}),
    custom("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec=_SCHEMA),
    custom("monitoring.coreos.com/v1", "Prometheus", spec={"containers": [{"name": "prometheus"}]}),
    database(),
    tenant(),
    claim(),
    config_map(x="containers: []"),
)


@pytest.mark.parametrize("manifest", _WITHOUT)
def test_what_holds_no_pod_has_none(manifest: Any) -> None:
    assert list(pods(Resource.of(manifest))) == []


def test_what_no_rule_reads_is_known_to_be_so() -> None:
    unread = [m["kind"] for m in _WITHOUT if not is_read(Resource.of(m))]
    assert unread == ["Workspace", "Odd", "Odd", "Odd"]
    assert is_read(Resource.of(workload()))


def test_what_the_preview_does_not_know_is_waited_for() -> None:
    manifest, _ = _HOLDERS["KAITO"]
    for path in (("inference",), ("inference", "template"), ("inference", "template", "spec")):
        assert list(containers(Resource.of(change(manifest, path, UNKNOWN)))) == []


def test_workloads_are_read_where_they_have_their_template_alone() -> None:
    inside = change(workload(), (*POD, "overhead"), {"containers": [_BAD]})
    assert [p.path for p in pods(Resource.of(inside))] == [".".join(map(str, POD))]
    assert len(list(containers(Resource.of(inside), init=False))) == BOX[-1] + 1  # type: ignore[operator]
