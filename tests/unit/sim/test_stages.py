"""The stages that kwok runs."""

from typing import Any

import yaml

from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.provision import storage_class_object
from sim.stages import stage_documents

CLUSTER = ClusterConfig(
    context="it",
    identifier="it",
    nodes=[NodeGroup(profile="cpu-8", count=1)],
    storage_classes=[
        StorageClassConfig(name="fast", default=True, provisioner="csi.example.org"),
        StorageClassConfig(name="kept", reclaim_policy="Retain", expandable=False),
    ],
)


def stages() -> dict[str, Any]:
    documents = yaml.safe_load_all(stage_documents(CLUSTER))
    return {document["metadata"]["name"]: document["spec"] for document in documents}


def test_each_storage_class_is_provisioned_under_its_own_name_and_policy() -> None:
    played = stages()
    fast = played["claim-provision-fast"]["steps"][0]["apply"]["template"]
    kept = played["claim-provision-kept"]["steps"][0]["apply"]["template"]
    assert "storageClassName: fast" in fast
    assert "persistentVolumeReclaimPolicy: Delete" in fast
    assert "provisioned-by: csi.example.org" in fast
    assert "persistentVolumeReclaimPolicy: Retain" in kept


def test_no_selector_uses_cel_which_crashes_kwok() -> None:
    for spec in stages().values():
        for expression in spec["selector"]["matchExpressions"]:
            assert "cel" not in expression
            assert {"key", "operator"} <= expression.keys()


def test_a_storage_class_is_as_the_configuration_says() -> None:
    fast, kept = (storage_class_object(entry) for entry in CLUSTER.storage_classes)
    default = "storageclass.kubernetes.io/is-default-class"
    assert fast["metadata"]["annotations"][default] == "true"
    assert kept["metadata"]["annotations"][default] == "false"
    assert (kept["reclaimPolicy"], kept["allowVolumeExpansion"]) == ("Retain", False)
    assert fast["provisioner"] == "csi.example.org"
