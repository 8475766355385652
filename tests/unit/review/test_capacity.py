"""GPUs, memory, disk and money, before and after."""

from typing import Any

import pytest

from catalog.gpus import gpus
from catalog.prices import HOURS_PER_MONTH, prices
from review.report import Amount, Report
from tests.unit.review.review_support import of_events, step


def _outputs(
    free: float, gpus_used: int, *, model: str = "small", gpu: str = "l40s-48gb"
) -> dict[str, Any]:
    return {
        "gpus": {
            "pools": [{"name": "p", "gpu": gpu, "gpus_used": gpus_used, "gpus_available": 4}],
            "models": [
                {
                    "name": "chat",
                    "model": model,
                    "pool": "p",
                    "gpus": gpus_used,
                    "gpu_bytes": 1000,
                    "used_bytes": 0,
                    "headroom_bytes": 1000 * free,
                }
            ],
        }
    }


def _stack(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    states = {"old": {"outputs": old}, "new": {"outputs": new}}
    return {"resOutputsEvent": {"metadata": {"type": "pulumi:pulumi:Stack", **states}}}


def _amount(report: Report, unit: str) -> Amount:
    [found] = [amount for amount in report.amounts if amount.unit == unit]
    return found


def _deployment(replicas: int, **requests: str) -> dict[str, Any]:
    container = {"name": "a", "resources": {"requests": requests}}
    return {"spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}}}


def test_a_model_under_5_percent_is_tight() -> None:
    for free, tight in ((0.03, True), (0.06, False)):
        [told] = of_events(_stack(_outputs(0.5, 1), _outputs(free, 1))).headroom
        assert (told.free_before, told.free_after, told.tight) == (0.5, free, tight)


def test_a_model_that_takes_more_gpus_is_counted_and_one_that_is_swapped_is_a_version() -> None:
    report = of_events(_stack(_outputs(0.5, 1), _outputs(0.5, 2, model="large")))

    gpus_told = _amount(report, "GPUs")
    assert (gpus_told.before, gpus_told.after) == (1, 2)
    [version] = report.versions
    assert (version.name, version.before, version.after) == ("chat", "small", "large")


def test_requests_are_those_of_all_replicas() -> None:
    report = of_events(
        step(
            "apps/v1:Deployment",
            "a",
            old=_deployment(1, cpu="500m", memory="1Gi"),
            new=_deployment(3, cpu="500m", memory="1Gi"),
        )
    )

    cores, memory = _amount(report, "cores"), next(a for a in report.amounts if "Memory" in a.name)
    assert (cores.before, cores.after) == (0.5, 1.5)
    assert (memory.before, memory.after) == (1, 3)


def test_disks_are_those_of_claims_templates_databases_and_object_stores() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    created = [
        step("core/v1:PersistentVolumeClaim", "a", new=claim),
        step(
            "apps/v1:StatefulSet",
            "b",
            new={"spec": {"replicas": 2, "volumeClaimTemplates": [claim]}},
        ),
        step(
            "postgresql.cnpg.io/v1:Cluster",
            "c",
            new={"spec": {"instances": 3, "storage": {"size": "10Gi"}}},
        ),
        step(
            "minio.min.io/v2:Tenant",
            "d",
            new={
                "spec": {
                    "pools": [{"servers": 4, "volumesPerServer": 2, "volumeClaimTemplate": claim}]
                }
            },
        ),
    ]

    disk = next(a for a in of_events(*created).amounts if a.name == "Disk")

    assert (disk.before, disk.after) == (0, 1 + 2 + 30 + 8)


def test_the_cost_is_of_all_gpus_of_the_pools_nodes_and_disks() -> None:
    cores = {"cpu": str(prices().node.cores)}
    events = [
        _stack({}, _outputs(0.5, 1)),
        step("apps/v1:Deployment", "a", new=_deployment(1, **cores)),
    ]

    cost = _amount(of_events(*events), "€/month")

    dollars = 4 * prices().gpus["l40s-48gb"].usd_per_hour + prices().node.usd_per_hour
    assert cost.before == 0
    assert cost.after == pytest.approx(dollars * HOURS_PER_MONTH / prices().usd_per_eur.value)


def test_a_pod_beside_a_gpu_costs_no_node_of_its_own() -> None:
    beside = _deployment(1, cpu="16", **{"nvidia.com/gpu": "1"})

    cost = _amount(of_events(step("apps/v1:Deployment", "a", new=beside)), "€/month")

    assert cost.after == 0


def test_a_gpu_without_a_price_is_named() -> None:
    cost = _amount(of_events(_stack({}, _outputs(0.5, 1, gpu="rtx6000ada-48gb"))), "€/month")

    assert cost.note == "list prices, no price for rtx6000ada-48gb"
    assert cost.after == 0


def test_half_a_preview_has_no_amounts() -> None:
    failed = {"diagnosticEvent": {"severity": "error", "message": "no"}}

    assert of_events(_stack({}, _outputs(0.5, 1)), failed).amounts == []


def test_every_price_is_of_a_gpu_of_the_catalog_and_has_a_source() -> None:
    listed = prices()

    assert listed.gpus.keys() <= gpus().keys()
    assert all(price.source for price in (*listed.gpus.values(), listed.node, listed.disk))


def test_a_group_asks_for_what_its_leader_and_all_its_workers_do() -> None:
    def pod(cpu: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": cpu}}}]}}

    made_from = {"size": 4, "leaderTemplate": pod("2"), "workerTemplate": pod("10")}
    groups = {"spec": {"replicas": 2, "leaderWorkerTemplate": made_from}}
    report = of_events(step("leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", "big", new=groups))

    assert _amount(report, "cores").after == 2 * (2 + 3 * 10)


def test_a_pod_that_claims_a_gpu_rents_its_node_with_it() -> None:
    """As one that asks for GPUs by number: their price holds the CPUs beside them."""
    plain = _deployment(1, cpu="8", memory="64Gi")
    claiming = _deployment(1, cpu="8", memory="64Gi")
    claiming["spec"]["template"]["spec"]["resourceClaims"] = [{"name": "gpu"}]

    alone, with_gpu = (
        _amount(of_events(step("apps/v1:Deployment", "a", new=one)), "€/month").after or 0
        for one in (plain, claiming)
    )

    assert alone > with_gpu == 0


def test_what_keda_scales_asks_for_its_fewest_replicas() -> None:
    scaled = _deployment(1, cpu="2")
    del scaled["spec"]["replicas"]
    spec = {"scaleTargetRef": {"name": "a"}, "minReplicaCount": 3}
    report = of_events(
        step("apps/v1:Deployment", "a", new=scaled),
        step("keda.sh/v1alpha1:ScaledObject", "a", new={"spec": spec}),
    )

    assert _amount(report, "cores").after == 6
