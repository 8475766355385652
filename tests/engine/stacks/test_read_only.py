"""Previews and looks for drift as CI makes them: with roles that cannot change anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from review import permissions, run
from review.digest import differences
from review.drift import Drift, drift
from review.render import render
from review.report import Verdict
from sim.api import Api
from tests.engine.checkout import Checkout, Done
from tests.engine.review_cases import CASES, Review, reviewed
from tests.engine.sim_support import got

_PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


pytestmark = pytest.mark.parametrize("empty", ["local"], indirect=True)


@pytest.fixture(scope="module")
def local(stack: Checkout) -> Checkout:
    """The local stack, up, with the roles that `pai permissions` prints applied."""
    api = stack.cluster.api()
    for manifest in permissions.manifests(render(stack.root, "local")):
        path = f"/apis/{manifest['apiVersion']}/{_PLURALS[manifest['kind']]}"
        api.create(path, manifest)
    return stack


@pytest.fixture
def as_group(local: Checkout, tmp_path: Path) -> Callable[[str], Checkout]:
    """The checkout in the name of somebody who is in one group alone."""

    def of(group: str) -> Checkout:
        content: dict[str, Any] = yaml.safe_load(local.cluster.kubeconfig.read_text())
        for user in content["users"]:
            user["user"] |= {"as": "ci", "as-groups": [group]}
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(content))
        shell = {**local.shell, "KUBECONFIG": str(file)}
        return Checkout(local.root, local.stack, shell, local.cluster, local.file)

    return of


def _drift(at: Checkout) -> Drift:
    lines, said = run.refresh(at.root, at.stack, at.shell)
    return drift(lines, stack=at.stack, simulated=True, stderr_tail=said)


def _up(at: Checkout) -> Done:
    return at.pulumi("up", "--yes", "--skip-preview")


def _versions(api: Api) -> dict[str, str]:
    """Which version each Deployment and NetworkPolicy has: another one after any write."""
    paths = ("/apis/apps/v1/deployments", "/apis/networking.k8s.io/v1/networkpolicies")
    return {
        item["metadata"]["uid"]: item["metadata"]["generation"]
        for path in paths
        for item in api.items(path)
    }


def test_a_preview_with_the_role_says_what_the_administrators_does(
    local: Checkout, as_group: Callable[[str], Checkout], review: Review
) -> None:
    with CASES["egress-opened"](local):
        ours = reviewed(as_group(permissions.PREVIEWS))

    assert ours.verdict is Verdict.CHANGES
    assert differences(review("egress-opened"), ours) == []


def test_an_up_with_the_role_is_refused_and_changes_nothing(
    local: Checkout, as_group: Callable[[str], Checkout]
) -> None:
    before = _versions(local.cluster.api())
    with CASES["egress-opened"](local):
        done = _up(as_group(permissions.PREVIEWS))

    assert done.code != 0
    assert "previews may only send dry runs" in done.output
    assert _versions(local.cluster.api()) == before


def test_every_kind_in_the_roles_is_one_that_the_cluster_knows(local: Checkout) -> None:
    api = local.cluster.api()
    [role] = [
        manifest
        for manifest in permissions.manifests(render(local.root, "local"))
        if manifest["metadata"]["name"] == "pai-drift" and manifest["kind"] == "ClusterRole"
    ]
    for rule in role["rules"]:
        [group] = rule["apiGroups"]
        known = got(api, f"/apis/{group}") if group else {"preferredVersion": {"version": "v1"}}
        version = known["preferredVersion"]["version"]
        listed = got(api, f"/apis/{group}/{version}" if group else "/api/v1")
        names = {resource["name"] for resource in listed["resources"]}
        assert set(rule["resources"]) <= names


def test_drift_is_what_somebody_changed_and_what_is_gone(
    local: Checkout, as_group: Callable[[str], Checkout]
) -> None:
    clean = _drift(as_group(permissions.DRIFT))
    assert (clean.failure, clean.drifted) == (None, [])

    api = local.cluster.api()
    [found] = [
        item
        for item in api.items("/apis/apps/v1/deployments")
        if item["metadata"]["name"].startswith("keycloak")
    ]
    where = f"namespaces/{found['metadata']['namespace']}"
    api.merge(f"/apis/apps/v1/{where}/deployments/{found['metadata']['name']}", _scaled(3))
    api.delete(f"/api/v1/{where}/services/keycloak")

    seen = _drift(as_group(permissions.DRIFT)).drifted
    assert [(d.resource, d.deleted, [p.path for p in d.properties]) for d in seen] == [
        ("Service keycloak", True, []),
        ("Deployment keycloak", False, ["spec.replicas"]),
    ]
    # Somebody else owns the field now: without force the API server refuses to take it back.
    shell = {**local.shell, "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
    forced = Checkout(local.root, local.stack, shell, local.cluster, local.file)
    refreshed = forced.pulumi("up", "--refresh", "--run-program", "--yes", "--skip-preview")
    assert refreshed.code == 0, refreshed.output
    assert _drift(local).drifted == []


def _scaled(replicas: int) -> dict[str, Any]:
    return {"spec": {"replicas": replicas}}
