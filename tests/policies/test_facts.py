"""What policies know beyond manifests: users of images, and what a stack declares."""

from typing import Any

import pytest

from catalog.images import image, images
from config.reference import KEY
from policies import Resource, check, facts
from policies.rules.model import NO_FACTS, Facts
from tests.policies.manifests import BOX, POD, REMOVED, change, claim, no_waivers, workload

_IMAGES = facts.of_settings()
_GRAFANA = image("grafana")


def found(rule: str, manifest: Any, known: Facts) -> list[str]:
    resource = Resource.of(manifest, facts=known)
    return [f.path for f in check([resource], waivers=no_waivers()) if f.rule == rule]


def running(reference: str, user: Any = 472) -> Any:
    security = (*POD, "securityContext")
    return change(
        workload(),
        *((*POD, "initContainers"), []),
        *((*BOX, "image"), reference),
        *((*security, "runAsUser"), user),
        *((*security, "runAsGroup"), user),
    )


@pytest.mark.parametrize(
    "reference",
    [
        _GRAFANA,
        image("grafana", "registry.example:5000/mirror"),
        "grafana/grafana",
        "grafana/grafana:13.2.3",
        "registry.example:5000/grafana/grafana@sha256:" + "ab" * 32,
    ],
)
def test_an_image_may_run_as_the_user_that_owns_its_files(reference: str) -> None:
    assert found("high-user-and-group", running(reference), _IMAGES) == []
    assert len(found("high-user-and-group", running(reference), NO_FACTS)) == 2


@pytest.mark.parametrize(
    ("reference", "user"),
    [
        (_GRAFANA, 1000),
        (_GRAFANA, 999),
        ("docker.io/somebody/grafana:1", 472),
        ("docker.io/evil-grafana/grafana-x:1", 472),
        ("docker.io/xgrafana/grafana:1", 472),
        ("docker.io/prom/prometheus:v3", 472),
        (None, 472),
    ],
)
def test_no_other_user_and_no_other_image_may(reference: Any, user: int) -> None:
    assert len(found("high-user-and-group", running(reference, user), _IMAGES)) == 2


def test_a_root_user_is_reported_once_by_the_rule_about_root() -> None:
    assert found("high-user-and-group", running(_GRAFANA, 0), _IMAGES) == []
    assert found("restricted-security-context", running(_GRAFANA, 0), _IMAGES) != []


def test_the_users_are_those_of_the_catalog() -> None:
    assert _IMAGES.image_users == {spec.path: spec.user for spec in images().values() if spec.user}


def test_the_settings_are_where_the_configuration_has_them() -> None:
    assert facts.SETTINGS == KEY


@pytest.mark.parametrize("by", ["LUKS on each disk", "none needed: no disks"])
def test_a_class_that_is_declared_is_accepted_and_another_is_not(by: str) -> None:
    classes = [{"name": "fast-nvme", "encrypted_by": by}, {"name": "slow"}]
    known = facts.of_settings({"cluster": {"storage_classes": classes}})
    slow = change(claim(), ("spec", "storageClassName"), "slow")
    default = change(claim(), ("spec", "storageClassName"), REMOVED)
    assert found("encrypted-storage", claim(), known) == []
    assert found("encrypted-storage", slow, known) == ["spec.storageClassName"]
    assert found("encrypted-storage", default, known) == ["spec.storageClassName"]
