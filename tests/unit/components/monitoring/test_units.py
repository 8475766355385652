"""Units of queries and of the panels that show them."""

import pytest

from catalog.metrics import exporters
from components.monitoring.dashboard import Unit
from tests.promql.lint import Lint
from tests.promql.units import UNITS, shown_as


@pytest.mark.parametrize(
    ("expression", "unit", "said"),
    [
        ("DCGM_FI_DEV_GPU_UTIL", "percentunit", False),
        ("DCGM_FI_DEV_GPU_UTIL / 100", "percentunit", True),
        ("rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e6", "percentunit", False),
        ("rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e9", "percentunit", True),
        ("rate(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION[5m])", "watt", False),
        ("rate(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION[5m]) / 1000", "watt", True),
        ("DCGM_FI_DEV_FB_USED", "bytes", False),
        ("DCGM_FI_DEV_FB_USED", "mbytes", True),
        ("rate(kong_bandwidth_bytes[5m])", "bytes", False),
        ("rate(kong_bandwidth_bytes[5m])", "Bps", True),
        ("histogram_quantile(0.5, rate(kong_request_latency_ms_bucket[5m]))", "s", False),
        ("histogram_quantile(0.5, rate(kong_request_latency_ms_bucket[5m]))", "ms", True),
        ("rate(vllm:prompt_tokens_total[5m])", "reqps", False),
        ("rate(vllm:prompt_tokens_total[5m])", "short", True),
        ("DCGM_FI_DEV_GPU_TEMP", "short", False),
        ("vllm:kv_cache_usage_perc", "short", False),
        ("1 - vllm:kv_cache_usage_perc", "percentunit", True),
        ("increase(vllm:prompt_tokens_total[5m])", "short", True),
    ],
)
def test_a_panel_says_what_its_query_is_only_in_that_unit(
    expression: str, unit: Unit, said: bool
) -> None:
    shape, problems = Lint(exporters()).evaluate(expression)

    assert problems == []
    assert shape.unit is not None
    assert shown_as(shape.unit, unit) is said


def test_a_unit_is_written_as_its_scale_and_its_powers() -> None:
    assert str(UNITS["millijoules"] / UNITS["tokens"]) == "0.001 joule token^-1"
    assert str(UNITS["tokens"] / UNITS["tokens"]) == "ratio"
