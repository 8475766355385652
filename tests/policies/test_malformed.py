"""Manifests of any shape: no rule ends the run, and each that cannot judge says so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Resource, check
from policies.checking import check_waivers
from tests.examples import examples
from tests.policies.manifests import no_waivers
from tests.policies.production import resources

CANARY = "c4n4ry-of-a-malformed-field"
ODD = ["3", CANARY, "1..5Gi", "25%", -1, 1.5, True, None, [], ["x"], {}, {"x": CANARY}, [[{}]]]


def _paths(node: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    found: list[tuple[str | int, ...]] = []
    for key, item in items:
        found.append((*above, key))
        if isinstance(item, (dict, list)):
            found += _paths(item, (*above, key))
    return found


def _with(node: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    key, *rest = path
    copy = node.copy()
    copy[key] = _with(node[key], tuple(rest), value)
    return copy


@examples(150)
@given(st.data())
def test_no_shape_of_any_field_ends_the_run(data: st.DataObject) -> None:
    everything = resources("prod")
    index = data.draw(st.integers(0, len(everything) - 1))
    victim = everything[index]
    path = data.draw(st.sampled_from(_paths(victim.props)))
    odd = _with(victim.props, path, data.draw(st.sampled_from(ODD)))
    spoilt = [*everything[:index], Resource(victim.kind, odd, victim.urn, victim.managed)]

    waivers = no_waivers()
    found = [*check(spoilt, waivers=waivers), *check_waivers(spoilt, waivers)]

    assert not [f for f in found if f.unreadable and CANARY in f.message]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Deployment.apps", {"replicas": "3"}),
        ("Deployment.apps", {"template": {"spec": {"containers": [{"resources": CANARY}]}}}),
        ("PodDisruptionBudget.policy", {"maxUnavailable": CANARY}),
        ("HorizontalPodAutoscaler.autoscaling", {"minReplicas": "2"}),
    ],
)
def test_what_cannot_be_judged_is_a_finding_and_the_others_go_on(kind: str, spec: Any) -> None:
    odd = Resource(kind, {"metadata": {"name": "odd", "namespace": "x"}, "spec": spec})
    privileged = {"name": "c", "securityContext": {"privileged": True}}
    other = Resource("Pod", {"metadata": {"name": "p"}, "spec": {"containers": [privileged]}})

    found = check([odd, other], waivers=no_waivers())

    assert "no-privileged" in {f.rule for f in found}
    for finding in found:
        assert CANARY not in finding.message
        if finding.unreadable:
            assert finding.got.startswith(f"a field that {finding.rule} cannot read (")
