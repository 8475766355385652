"""Every metric that rules and dashboards may read, which the tests check them against.

A metric that no target exports means an alert that never fires and a panel without data.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

METRICS: Mapping[str, Mapping[str, Kind]] = {
    # vllm/v1/metrics of the wheel 0.33.0; counters are written there without `_total`.
    "vllm": {
        "vllm:num_requests_running": "gauge",
        "vllm:num_requests_waiting": "gauge",
        "vllm:kv_cache_usage_perc": "gauge",
        "vllm:num_preemptions_total": "counter",
        "vllm:prompt_tokens_total": "counter",
        "vllm:generation_tokens_total": "counter",
        "vllm:prefix_cache_queries_total": "counter",
        "vllm:prefix_cache_hits_total": "counter",
        "vllm:time_to_first_token_seconds": "histogram",
        "vllm:inter_token_latency_seconds": "histogram",
        "vllm:e2e_request_latency_seconds": "histogram",
        "vllm:request_queue_time_seconds": "histogram",
    },
    # etc/default-counters.csv of NVIDIA/dcgm-exporter; see components/gpu/dcgm_exporter.py.
    "dcgm": {
        "DCGM_FI_DEV_GPU_UTIL": "gauge",
        "DCGM_FI_DEV_FB_USED": "gauge",
        "DCGM_FI_DEV_FB_FREE": "gauge",
        "DCGM_FI_DEV_POWER_USAGE": "gauge",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": "counter",
        "DCGM_FI_DEV_GPU_TEMP": "gauge",
        "DCGM_FI_DEV_XID_ERRORS": "gauge",
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": "counter",
        "DCGM_FI_DEV_ROW_REMAP_FAILURE": "gauge",
        "DCGM_FI_DEV_THERMAL_VIOLATION": "counter",
    },
    # Seen at /metrics/ of a running LiteLLM 1.106.2.
    "litellm": {
        "litellm_proxy_total_requests_metric_total": "counter",
        "litellm_input_tokens_metric_total": "counter",
        "litellm_output_tokens_metric_total": "counter",
        "litellm_overhead_latency_metric": "histogram",
        "litellm_deployment_state": "gauge",
    },
    # https://qdrant.tech/documentation/guides/monitoring/ (1.16 and later)
    "qdrant": {
        "collection_points": "gauge",
        "collection_dead_replicas": "gauge",
        "cluster_peers_total": "gauge",
        "memory_resident_bytes": "gauge",
        "rest_responses_total": "counter",
        "rest_responses_fail_total": "counter",
    },
    # Seen at the management port of a running Keycloak 26.7.4.
    "keycloak": {
        "http_server_requests_seconds_count": "counter",
        "agroal_active_count": "gauge",
        "agroal_awaiting_count": "gauge",
    },
    # https://developer.konghq.com/plugins/prometheus/
    "kong": {
        "kong_http_requests_total": "counter",
        "kong_request_latency_ms": "histogram",
        "kong_bandwidth_bytes": "counter",
    },
    # minio/minio docs/metrics/v3.md
    "minio": {
        "minio_cluster_health_drives_offline_count": "gauge",
        "minio_cluster_health_nodes_offline_count": "gauge",
        "minio_cluster_health_capacity_usable_total_bytes": "gauge",
        "minio_cluster_health_capacity_usable_free_bytes": "gauge",
    },
    # https://cloudnative-pg.io/documentation/current/monitoring/
    "postgres": {
        "cnpg_collector_up": "gauge",
        "cnpg_pg_replication_lag": "gauge",
        "cnpg_pg_database_size_bytes": "gauge",
    },
    # https://prometheus.io/docs/prometheus/latest/
    "prometheus": {
        "prometheus_rule_evaluation_failures_total": "counter",
        "prometheus_notifications_dropped_total": "counter",
        "prometheus_tsdb_compactions_failed_total": "counter",
        "prometheus_tsdb_head_series": "gauge",
        "prometheus_tsdb_storage_blocks_bytes": "gauge",
    },
    "alertmanager": {"alertmanager_notifications_failed_total": "counter"},
    # Recorded by Prometheus itself for every target and every alert.
    "": {"up": "gauge", "scrape_duration_seconds": "gauge", "ALERTS": "gauge"},
}
"""Kind by metric name by the `job` that exports it."""

_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_SELECTOR = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
_LABELS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_WORD = re.compile(r"(?<![\w:.])([A-Za-z_:][\w:]*)\s*(\()?")
_OPERATORS = {"and", "or", "unless", "bool", "offset", "by", "without", "group_left", "group_right"}


def exposed() -> frozenset[str]:
    """Every exported series name: a histogram has three."""
    return frozenset(_wire())


def _wire() -> Iterator[str]:
    for metrics in METRICS.values():
        for name, kind in metrics.items():
            if kind == "histogram":
                yield from (f"{name}_bucket", f"{name}_sum", f"{name}_count")
            else:
                yield name


def names_in(expression: str) -> frozenset[str]:
    """Names of the metrics in a PromQL *expression*."""
    text = _LABELS.sub(" ", _SELECTOR.sub(" ", _STRING.sub(" ", expression)))
    return frozenset(
        word for word, call in _WORD.findall(text) if not call and word not in _OPERATORS
    )
