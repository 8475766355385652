"""The hook that judges an update before the provider sends it."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi import ResourceHookArgs, ResourceOptions
from pulumi.output import Unknown
from pulumi.runtime.rpc import wrap_rpc_secret

from components import upgrades
from tests.unit.catalog.upgrade_cases import CLUSTER, SET, changed

_SIZE = "spec.volumeClaimTemplates.0.spec.resources.requests.storage"
_SET = "kubernetes:apps/v1:StatefulSet"


def _args(type_: str, old: dict[str, Any], new: dict[str, Any]) -> ResourceHookArgs:
    return ResourceHookArgs("urn", "id", "qdrant", type_, new_inputs=new, old_inputs=old)


def _secret() -> object:
    """An output that no program on mocks waits for, as it would for a true one."""
    return object.__new__(pulumi.Output)


def test_a_refused_update_is_an_error_with_four_parts_and_the_steps() -> None:
    with pytest.raises(upgrades.RefusedUpdateError) as raised:
        upgrades.check(_args(_SET, SET, changed(SET, _SIZE, "100Gi")))

    said = str(raised.value)
    for part in ("got:", "allowed:", "change:", "steps:", "--cascade=orphan"):
        assert part in said


def test_steps_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", said.append)

    upgrades.check(
        _args(
            "kubernetes:postgresql.cnpg.io/v1:Cluster",
            CLUSTER,
            changed(CLUSTER, "spec.storage.size", "40Gi"),
        )
    )

    assert len(said) == 1
    assert "40Gi, after 20Gi" in said[0]


def test_an_update_within_the_rules_says_nothing() -> None:
    upgrades.check(_args(_SET, SET, changed(SET, "spec.replicas", 5)))


@pytest.mark.parametrize("make", [_secret, lambda: wrap_rpc_secret("100Gi"), Unknown])
def test_a_value_that_is_secret_or_not_known_is_not_judged(make: Callable[[], object]) -> None:
    upgrades.check(_args(_SET, SET, changed(SET, _SIZE, make())))


class _Parent:
    """Stands for a component."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


@pytest.mark.parametrize(
    ("type_", "kind", "bound"),
    [
        (_SET, "redis", True),
        ("kubernetes:postgresql.cnpg.io/v1:Cluster", "postgres", True),
        ("kubernetes:minio.min.io/v2:Tenant", "minio", True),
        ("kubernetes:core/v1:PersistentVolumeClaim", "model-store", True),
        ("kubernetes:apps/v1:Deployment", "keycloak", True),
        ("kubernetes:apps/v1:Deployment", "open-webui", True),
        ("kubernetes:apps/v1:Deployment", "grafana", False),
        ("kubernetes:apps/v1:Deployment", "vllm", False),
        ("kubernetes:core/v1:Secret", "keycloak", False),
    ],
)
def test_what_keeps_data_is_judged(type_: str, kind: str, bound: bool) -> None:
    opts = ResourceOptions()
    opts.parent = _Parent(kind)  # type: ignore[assignment]

    assert upgrades.judged(type_, opts) is bound
