"""What hardening fills in, and what it leaves to people and to the update."""

import pytest

from policies import UNKNOWN, Resource
from policies.rules.hardening import Path, patches
from policies.rules.model import Node
from tests.policies.manifests import (
    BOX,
    POD,
    REMOVED,
    Manifest,
    change,
    namespace,
    pod,
    workload,
)

_INIT = (*POD, "initContainers", 0)
_TOKEN = (*POD, "automountServiceAccountToken")


def filled_in(manifest: Manifest) -> dict[Path, Node]:
    return dict(patches(Resource.of(manifest)))


def test_a_sound_workload_is_left_alone() -> None:
    assert filled_in(workload()) == {}


def test_a_workload_that_says_nothing_gets_every_field() -> None:
    bare = change(
        workload(),
        *((*POD, "serviceAccountName"), REMOVED),
        *(_TOKEN, REMOVED),
        *((*POD, "securityContext"), REMOVED),
        *((*BOX, "securityContext"), REMOVED),
        *((*_INIT, "securityContext"), REMOVED),
    )
    assert filled_in(bare) == {
        _TOKEN: False,
        (*POD, "securityContext", "seccompProfile"): {"type": "RuntimeDefault"},
        (*_INIT, "securityContext", "allowPrivilegeEscalation"): False,
        (*BOX, "securityContext", "allowPrivilegeEscalation"): False,
    }


def test_the_pod_of_a_pod_is_found_at_its_root() -> None:
    account, token = ("spec", "serviceAccountName"), ("spec", "automountServiceAccountToken")
    bare = change(pod(), account, REMOVED, token, REMOVED)
    assert filled_in(bare) == {("spec", "automountServiceAccountToken"): False}


@pytest.mark.parametrize("account", [REMOVED, "", "default"])
def test_the_token_of_the_default_account_is_refused(account: object) -> None:
    path = (*POD, "serviceAccountName")
    bare = change(change(workload(), path, ""), _TOKEN, REMOVED, path, account)
    assert filled_in(bare) == {_TOKEN: False}


def test_whether_a_named_account_needs_its_token_is_for_people_to_say() -> None:
    named = change(workload(), _TOKEN, REMOVED, (*POD, "serviceAccountName"), "router")
    assert filled_in(named) == {}


def test_a_privileged_container_is_not_given_a_field_that_contradicts_it() -> None:
    privileged = change(workload(), (*BOX, "securityContext"), {"privileged": True})
    assert filled_in(privileged) == {}


@pytest.mark.parametrize("path", [(*POD, "securityContext"), (*BOX, "securityContext"), POD])
def test_what_the_preview_does_not_know_is_not_overwritten(path: Path) -> None:
    assert filled_in(change(workload(), path, UNKNOWN)) == {}


def test_what_makes_no_pods_is_left_alone() -> None:
    assert filled_in(namespace()) == {}
