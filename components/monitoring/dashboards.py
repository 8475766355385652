"""The stack's dashboards: models and teams, GPUs, and the parts around them.

No query reads a metric that components/monitoring/metric_catalog.py lacks.
"""

from components.monitoring.dashboard import Dashboard, Panel
from components.monitoring.promql import quantile, rate, total

_MODEL = "{{model_name}}"
_TEAM = "{{team}}"
_GPU = "{{Hostname}} GPU {{gpu}}"
_REQUESTS = "litellm_proxy_total_requests_metric_total"
_HITS, _QUERIES = (f"vllm:prefix_cache_{what}_total" for what in ("hits", "queries"))
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"

_MODELS = Dashboard(
    "models",
    "Models",
    [
        Panel("Running", "short", {"all": total(_RUNNING)}, "stat"),
        Panel("Waiting", "short", {"all": total(_WAITING)}, "stat"),
        Panel(
            "Tokens written a second",
            "short",
            {"all": total("model:generated_tokens:rate5m")},
            "stat",
        ),
        Panel(
            "Refused a second: over a limit",
            "reqps",
            {"all": rate(_REQUESTS, where='status_code="429"')},
            "stat",
        ),
        Panel("First token, 95th percentile", "s", {_MODEL: "model:first_token_seconds:p95"}),
        Panel("Between tokens, 95th percentile", "s", {_MODEL: "model:inter_token_seconds:p95"}),
        Panel(
            "Late first tokens, share of the last hour",
            "percentunit",
            {_MODEL: "model:first_token_late:ratio_rate1h"},
        ),
        Panel(
            "Whole answer, median",
            "s",
            {_MODEL: quantile(0.5, "vllm:e2e_request_latency_seconds", "model_name")},
        ),
        Panel(
            "Requests",
            "short",
            {
                f"{_MODEL} running": total(_RUNNING, "model_name"),
                f"{_MODEL} waiting": total(_WAITING, "model_name"),
            },
        ),
        Panel(
            "Wait in the queue, 95th percentile",
            "s",
            {_MODEL: quantile(0.95, "vllm:request_queue_time_seconds", "model_name")},
        ),
        Panel(
            "KV cache in use",
            "percentunit",
            {_MODEL: "max by (model_name) (vllm:kv_cache_usage_perc)"},
        ),
        Panel(
            "Prompts found in the cache",
            "percentunit",
            {_MODEL: f"{rate(_HITS, 'model_name')} / {rate(_QUERIES, 'model_name')}"},
        ),
        Panel(
            "Tokens a second",
            "short",
            {
                f"{_MODEL} read": rate("vllm:prompt_tokens_total", "model_name"),
                f"{_MODEL} written": "model:generated_tokens:rate5m",
            },
        ),
        Panel(
            "Preemptions a second",
            "short",
            {_MODEL: rate("vllm:num_preemptions_total", "model_name")},
        ),
        Panel(
            "Tokens of each team a second",
            "short",
            {
                f"{_TEAM} read": rate("litellm_input_tokens_metric_total", "team"),
                f"{_TEAM} written": rate("litellm_output_tokens_metric_total", "team"),
            },
        ),
        Panel(
            "Requests of each team, by answer",
            "reqps",
            {f"{_TEAM} {{{{status_code}}}}": rate(_REQUESTS, "team", "status_code")},
        ),
    ],
)

_GPUS = Dashboard(
    "gpus",
    "GPUs",
    [
        Panel("GPUs", "short", {"all": "count(DCGM_FI_DEV_GPU_UTIL)"}, "stat"),
        Panel("Power", "watt", {"all": "stack:gpu_power_watts:sum"}, "stat"),
        Panel(
            "Energy a written token",
            "joule",
            {"all": "stack:gpu_joules_per_generated_token:ratio_rate5m"},
            "stat",
        ),
        Panel("Hottest", "celsius", {"all": "max(DCGM_FI_DEV_GPU_TEMP)"}, "stat"),
        Panel("Busy", "percentunit", {_GPU: "DCGM_FI_DEV_GPU_UTIL / 100"}),
        Panel("Power of each", "watt", {_GPU: "DCGM_FI_DEV_POWER_USAGE"}),
        Panel("Memory in use", "mbytes", {_GPU: "DCGM_FI_DEV_FB_USED"}),
        Panel("Memory free", "mbytes", {_GPU: "DCGM_FI_DEV_FB_FREE"}),
        Panel("Temperature", "celsius", {_GPU: "DCGM_FI_DEV_GPU_TEMP"}),
        Panel("Last XID error", "short", {_GPU: "DCGM_FI_DEV_XID_ERRORS"}),
    ],
)

_PLATFORM = Dashboard(
    "platform",
    "Platform",
    [
        Panel("Targets down", "short", {"all": "count(up == 0) or vector(0)"}, "stat"),
        Panel(
            "Alerts firing",
            "short",
            {"all": 'count(ALERTS{alertstate="firing", severity!="none"}) or vector(0)'},
            "stat",
        ),
        Panel(
            "Requests failed, share of the last hour",
            "percentunit",
            {"all": "router:failed:ratio_rate1h"},
            "stat",
        ),
        Panel("Series", "short", {"all": "prometheus_tsdb_head_series"}, "stat"),
        Panel(
            "Answers of the gateway",
            "reqps",
            {"{{service}} {{code}}": rate("kong_http_requests_total", "service", "code")},
        ),
        Panel(
            "Time in the gateway and behind it, 95th percentile",
            "ms",
            {"{{service}}": quantile(0.95, "kong_request_latency_ms", "service")},
        ),
        Panel(
            "Through the gateway",
            "Bps",
            {"{{direction}}": rate("kong_bandwidth_bytes", "direction")},
        ),
        Panel(
            "Time that the router adds, 95th percentile",
            "s",
            {"router": quantile(0.95, "litellm_overhead_latency_metric")},
        ),
        Panel(
            "Requests to Keycloak",
            "reqps",
            {"{{outcome}}": rate("http_server_requests_seconds_count", "outcome")},
        ),
        Panel(
            "Keycloak's connections to its database",
            "short",
            {"in use": total("agroal_active_count"), "awaited": total("agroal_awaiting_count")},
        ),
        Panel("Vectors", "short", {"{{id}}": "max by (id) (collection_points)"}),
        Panel(
            "Requests to Qdrant",
            "reqps",
            {"answered": rate("rest_responses_total"), "failed": rate("rest_responses_fail_total")},
        ),
        Panel("Memory of Qdrant's members", "bytes", {"{{instance}}": "memory_resident_bytes"}),
        Panel(
            "Object store",
            "bytes",
            {
                "free": "min(minio_cluster_health_capacity_usable_free_bytes)",
                "all": "min(minio_cluster_health_capacity_usable_total_bytes)",
            },
        ),
        Panel("PostgreSQL: standbys behind", "s", {"{{instance}}": "cnpg_pg_replication_lag"}),
        Panel(
            "PostgreSQL: size",
            "bytes",
            {"{{datname}}": "max by (datname) (cnpg_pg_database_size_bytes)"},
        ),
        Panel("Metrics on disk", "bytes", {"blocks": "prometheus_tsdb_storage_blocks_bytes"}),
        Panel("Time to read a target", "s", {"{{job}}": "max by (job) (scrape_duration_seconds)"}),
    ],
)

DASHBOARDS = (_MODELS, _GPUS, _PLATFORM)
