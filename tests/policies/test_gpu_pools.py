"""Every kind of GPU pool under the policies: what it may not do without an exception."""

from typing import Any

import pytest

from components.gpu.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from config.settings.pools import GpuPoolSettings
from policies import RULES, Level, Resource, check
from policies.adapter import kind_of
from tests.support import deploy, tier

_ADVICE = {rule.id for rule in RULES if rule.level is Level.ADVISORY}
POOLS: dict[str, dict[str, Any]] = {
    "exclusive": {},
    "time-slicing": {"sharing": {"mode": "time-slicing", "clients": 4}},
    "mps": {"sharing": {"mode": "mps", "clients": 2}, "feature_discovery": True},
    "mig": {
        "sharing": {"mode": "mig", "geometry": {"1g.18gb": 7}},
        "feature_discovery": True,
    },
    "operated": {"operator": "already-there"},
}


@pytest.mark.parametrize("mode", POOLS)
def test_a_pool_breaks_no_mandatory_rule_but_by_name(mode: str) -> None:
    def program() -> None:
        settings = GpuPoolSettings.model_validate(
            {"gpu": "h200-141gb", "nodes": 1, "gpus_per_node": 8} | POOLS[mode]
        )
        GpuNodePool("pool", GpuNodePoolArgs(tier=tier("gpu-system"), settings=settings))

    asked = deploy(program)
    resources = [
        Resource(kind, a.inputs, f"urn:pulumi:prod::private-ai::{a.type}::{a.name}")
        for a in asked.values()
        if (kind := kind_of(a.type))
    ]
    found = check(resources, stack_rules=())

    assert [f.message for f in found if f.rule not in _ADVICE] == []
