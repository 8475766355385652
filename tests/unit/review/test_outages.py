"""What stops serving and for how long; what becomes of data."""

from typing import Any

import pytest

from review.report import Loss, Outage
from tests.unit.review.review_support import of_events, step


def _pod(**probe: int) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "a", "image": "a:1"}
    if probe:
        container["startupProbe"] = probe
    return {"spec": {"containers": [container], "terminationGracePeriodSeconds": 30}}


def _deployment(replicas: int, *, surge: int = 0, away: int = 1, image: str = "1") -> Any:
    template = _pod(failureThreshold=9, periodSeconds=10)
    template["spec"]["containers"][0]["image"] = f"a:{image}"
    rolling = {"maxSurge": surge, "maxUnavailable": away}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"spec": {"replicas": replicas, "strategy": strategy, "template": template}}


def _outages(*events: Any) -> list[Outage]:
    return of_events(*events).outages


def _rollout(old: Any, new: Any) -> list[Outage]:
    return _outages(step("apps/v1:Deployment", "a", old=old, new=new))


def test_one_replica_without_surge_is_away_for_its_grace_and_its_startup_budget() -> None:
    [told] = _rollout(_deployment(1), _deployment(1, image="2"))

    assert (told.effect, told.seconds) == ("interrupted", 30 + 90)


def test_a_new_replica_that_comes_first_interrupts_nothing() -> None:
    assert (
        _rollout(_deployment(1, surge=1, away=0), _deployment(1, surge=1, away=0, image="2")) == []
    )


def test_of_several_replicas_some_are_left_all_the_time() -> None:
    [told] = _rollout(_deployment(3), _deployment(3, image="2"))

    assert (told.effect, told.seconds) == ("fewer", 3 * 120)


def test_recreate_takes_all_replicas_away() -> None:
    new = _deployment(3, image="2")
    new["spec"]["strategy"] = {"type": "Recreate"}

    [told] = _rollout(_deployment(3), new)

    assert told.effect == "interrupted"
    assert told.reason == "all 3 replicas stop before a new one starts"


def test_kubernetes_own_defaults_hold_where_the_strategy_is_left_out() -> None:
    """25 % of 4 replicas may be away, and of 1 replica none: one more comes first."""
    for replicas, expected in ((4, ["fewer"]), (1, [])):
        old, new = _deployment(replicas), _deployment(replicas, image="2")
        del old["spec"]["strategy"], new["spec"]["strategy"]
        assert [told.effect for told in _rollout(old, new)] == expected


def test_what_leaves_the_pods_alone_interrupts_nothing() -> None:
    new = _deployment(1)
    new["metadata"] = {"labels": {"a": "b"}}

    assert _rollout(_deployment(1), new) == []


def test_no_replicas_is_stopping_for_good() -> None:
    [told] = _rollout(_deployment(2), _deployment(0))

    assert (told.effect, told.seconds) == ("stops", None)


def test_without_a_startup_probe_nobody_knows_how_long() -> None:
    old, new = ({"spec": {"replicas": 1, "template": {**_pod(), "a": i}}} for i in range(2))

    [told] = _outages(step("apps/v1:StatefulSet", "a", old=old, new=new))

    assert (told.effect, told.seconds) == ("interrupted", None)


@pytest.mark.parametrize(("first", "effects"), [(True, ["interrupted"]), (False, [])])
def test_a_replacement_is_a_gap_where_the_old_one_goes_first(
    first: bool, effects: list[str]
) -> None:
    old, new = _deployment(2), _deployment(2, image="2")
    made = step("apps/v1:Deployment", "a", old=old, new=new, op="create-replacement")
    gone = step("apps/v1:Deployment", "a", old=old, op="delete-replaced")

    told = _outages(gone, made) if first else _outages(made, gone)

    assert [outage.effect for outage in told] == effects


def test_a_deleted_workload_stops_with_all_that_need_it() -> None:
    event = step("apps/v1:Deployment", "keycloak-db", old=_deployment(1))
    metadata = event["resourcePreEvent"]["metadata"]
    metadata["old"]["parent"] = (
        "urn:pulumi:test::private-ai::private-ai:index:Postgres::keycloak-db"
    )

    [told] = _outages(event)

    assert (told.effect, told.component) == ("stops", "keycloak-db")
    assert told.also == ["keycloak", "observability", "open-webui", "router", "kong"]


def test_a_retained_workload_goes_on_running() -> None:
    gone = step("apps/v1:Deployment", "a", old=_deployment(1), of_old={"retainOnDelete": True})

    assert _outages(gone) == []


def test_a_deleted_service_is_reached_by_nobody() -> None:
    [told] = _outages(step("core/v1:Service", "a", old={"spec": {"ports": [{"port": 1}]}}))

    assert told.effect == "stops"


def test_the_longest_outage_is_told_first() -> None:
    short, long = _deployment(1), _deployment(1)
    long["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 600

    def event(name: str, old: Any) -> Any:
        new = {"spec": {**old["spec"], "template": {**old["spec"]["template"], "metadata": {}}}}
        return step("apps/v1:Deployment", name, old=old, new=new)

    told = _outages(event("a", short), event("b", long))

    assert [outage.resource for outage in told] == ["Deployment b", "Deployment a"]


def _losses(*events: Any) -> list[Loss]:
    return of_events(*events).losses


def test_a_replaced_claim_loses_its_data_and_names_the_property() -> None:
    old, new = ({"spec": {"storageClassName": name}} for name in ("a", "b"))
    diff = {"spec.storageClassName": {"diffKind": "update-replace", "inputDiff": False}}
    event = step("core/v1:PersistentVolumeClaim", "a", old=old, new=new, op="replace", diff=diff)

    [told] = _losses(event)

    assert told.data == "lost"
    assert told.reason.startswith("spec.storageClassName cannot change in place")


@pytest.mark.parametrize(("policy", "data"), [("Delete", "lost"), ("Retain", "kept")])
def test_the_claims_of_a_stateful_set_go_with_it_only_if_it_says_so(policy: str, data: str) -> None:
    spec = {
        "volumeClaimTemplates": [{"spec": {}}],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy},
    }

    [told] = _losses(step("apps/v1:StatefulSet", "a", old={"spec": spec}))

    assert told.data == data


def test_a_stateful_set_without_claims_keeps_no_data() -> None:
    assert _losses(step("apps/v1:StatefulSet", "a", old={"spec": {"replicas": 1}})) == []


@pytest.mark.parametrize(
    "kind", ["postgresql.cnpg.io/v1:Cluster", "minio.min.io/v2:Tenant", "core/v1:Namespace"]
)
def test_what_is_retained_on_delete_keeps_its_data(kind: str) -> None:
    [lost] = _losses(step(kind, "a", old={"spec": {}}))
    [kept] = _losses(step(kind, "a", old={"spec": {}}, of_old={"retainOnDelete": True}))

    assert (lost.data, kept.data) == ("lost", "kept")


def test_a_rollout_that_may_neither_add_nor_take_away_takes_one() -> None:
    """As Kubernetes does: both percentages of a small number round to nothing."""
    old, new = _deployment(2, surge=0, away=0), _deployment(2, surge=0, away=0, image="2")

    assert [told.effect for told in _rollout(old, new)] == ["fewer"]


def _groups(replicas: int | None, image: str = "1") -> Any:
    """Of three pods each, of which the first loads for longest."""
    leader = _pod(failureThreshold=90, periodSeconds=10)
    leader["spec"]["containers"][0]["image"] = f"a:{image}"
    made_from = {"size": 3, "leaderTemplate": leader, "workerTemplate": _pod()}
    spec = {"leaderWorkerTemplate": made_from}
    return {"spec": spec if replicas is None else {"replicas": replicas, **spec}}


_LWS = "leaderworkerset.x-k8s.io/v1:LeaderWorkerSet"


def test_a_model_over_several_nodes_is_away_while_its_one_group_starts_anew() -> None:
    [told] = _outages(step(_LWS, "big", old=_groups(1), new=_groups(1, image="2")))

    assert (told.resource, told.effect) == ("LeaderWorkerSet big", "interrupted")
    assert told.seconds == 30 + 900


def test_of_several_groups_one_is_away_at_a_time() -> None:
    [told] = _outages(step(_LWS, "big", old=_groups(2), new=_groups(2, image="2")))

    assert (told.effect, told.seconds) == ("fewer", 2 * 930)


def test_a_model_over_several_nodes_that_goes_stops() -> None:
    [told] = _outages(step(_LWS, "big", old=_groups(1)))

    assert (told.effect, told.reason) == ("stops", "it is deleted")


def _scaled(kind: str, least: int) -> dict[str, Any]:
    """KEDA's object for `a`, which stays as it is."""
    spec = {"scaleTargetRef": {"kind": kind, "name": "a"}, "minReplicaCount": least}
    return step("keda.sh/v1alpha1:ScaledObject", "a", old={"spec": spec}, new={"spec": spec})


def test_what_keda_scales_has_as_many_replicas_as_keda_leaves_at_least() -> None:
    old, new = _deployment(9), _deployment(9, image="2")
    del old["spec"]["replicas"], new["spec"]["replicas"]
    rollout = step("apps/v1:Deployment", "a", old=old, new=new)

    [alone] = _outages(rollout)
    [told] = _outages(rollout, _scaled("Deployment", 3))
    [none] = _outages(rollout, _scaled("Deployment", 0))

    assert (alone.effect, none.effect) == ("interrupted", "interrupted")
    assert (told.effect, told.reason) == ("fewer", "1 of 3 replicas is down at a time")


def test_groups_that_keda_scales_are_counted_too() -> None:
    rollout = step(_LWS, "a", old=_groups(None), new=_groups(None, image="2"))

    [told] = _outages(rollout, _scaled("LeaderWorkerSet", 2))

    assert told.effect == "fewer"


_MACHINES = "cluster.x-k8s.io/v1beta2:MachineDeployment"
_NODES = "karpenter.sh/v1:NodePool"


def _machines(count: int, image: str = "1") -> dict[str, Any]:
    return {"spec": {"replicas": count, "template": {"spec": {"version": image}}}}


@pytest.mark.parametrize(
    ("kind", "old", "new", "effect", "reason"),
    [
        (_MACHINES, _machines(2), None, "stops", "its machines are deleted, with the pods on them"),
        (
            _MACHINES,
            _machines(2),
            _machines(0),
            "stops",
            "scaled from 2 to 0 machines, with the pods on them",
        ),
        (
            _MACHINES,
            _machines(4),
            _machines(3),
            "fewer",
            "scaled from 4 to 3 machines, with the pods on them",
        ),
        (
            _MACHINES,
            _machines(1),
            _machines(1, "2"),
            "interrupted",
            "its only machine is replaced, and its pods wait for the new one",
        ),
        (
            _MACHINES,
            _machines(4),
            _machines(5, "2"),
            "fewer",
            "its 4 machines are replaced one by one, with the pods on them",
        ),
        (_NODES, _machines(1), None, "stops", "its machines are deleted, with the pods on them"),
        (
            _NODES,
            _machines(1),
            _machines(1, "2"),
            "fewer",
            "machines that differ from the pool are drained and replaced one by one",
        ),
    ],
)
def test_machines_that_go_take_their_pods_with_them(
    kind: str, old: dict[str, Any], new: dict[str, Any] | None, effect: str, reason: str
) -> None:
    [told] = _outages(step(kind, "pool", old=old, new=new))

    assert (told.effect, told.reason) == (effect, reason)


def test_more_machines_of_the_same_kind_take_nothing_away() -> None:
    assert _outages(step(_MACHINES, "pool", old=_machines(1), new=_machines(2))) == []
    assert _outages(step(_NODES, "pool", old=_machines(1), new=_machines(2))) == []
    assert _outages(step(_MACHINES, "pool", new=_machines(2))) == []
