"""The dashboards of the stack: models and teams, GPUs, platform.

Every metric in a query has a record in catalog/metrics; the unit of a panel is that of its queries.
"""

from components.monitoring.dashboard import Dashboard, Panel
from components.monitoring.promql import quantile, rate, total

_MODEL = "{{model_name}}"
_TEAM = "{{team}}"
_GPU = "{{hostname}} GPU {{gpu}}"
_REQUESTS = "litellm_proxy_total_requests_metric_total"
_HITS, _QUERIES = (f"vllm:prefix_cache_{what}_total" for what in ("hits", "queries"))
_SIGN_INS = 'event=~"login|client_login"'
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"

_MODELS = Dashboard(
    "models",
    "Models",
    [
        Panel("Requests running", "short", {"all": total(_RUNNING)}, "stat"),
        Panel("Requests queued", "short", {"all": total(_WAITING)}, "stat"),
        Panel(
            "Generated tokens/s",
            "short",
            {"all": total("model:generated_tokens:rate5m")},
            "stat",
        ),
        Panel(
            "HTTP 429/s",
            "reqps",
            {"all": rate(_REQUESTS, where='status_code="429"')},
            "stat",
        ),
        Panel("TTFT p95", "s", {_MODEL: "model:ttft_seconds:p95"}),
        Panel("Inter-token latency p95", "s", {_MODEL: "model:inter_token_latency_seconds:p95"}),
        Panel(
            "TTFT SLO misses, last hour",
            "percentunit",
            {_MODEL: "model:ttft_slo_missed:ratio_rate1h"},
        ),
        Panel(
            "E2E latency p50",
            "s",
            {_MODEL: quantile(0.5, "vllm:e2e_request_latency_seconds", "model_name")},
        ),
        Panel(
            "Requests by model",
            "short",
            {
                f"{_MODEL} running": total(_RUNNING, "model_name"),
                f"{_MODEL} queued": total(_WAITING, "model_name"),
            },
        ),
        Panel(
            "Queue time p95",
            "s",
            {_MODEL: quantile(0.95, "vllm:request_queue_time_seconds", "model_name")},
        ),
        Panel(
            "KV cache usage",
            "percentunit",
            {_MODEL: "max by (model_name) (vllm:kv_cache_usage_perc)"},
        ),
        Panel(
            "Prefix cache hit rate",
            "percentunit",
            {_MODEL: f"{rate(_HITS, 'model_name')} / {rate(_QUERIES, 'model_name')}"},
        ),
        Panel(
            "Tokens/s by model",
            "short",
            {
                f"{_MODEL} prompt": rate("vllm:prompt_tokens_total", "model_name"),
                f"{_MODEL} generated": "model:generated_tokens:rate5m",
            },
        ),
        Panel(
            "Preemptions/s",
            "short",
            {_MODEL: rate("vllm:num_preemptions_total", "model_name")},
        ),
        Panel(
            "Tokens/s by team",
            "short",
            {
                f"{_TEAM} prompt": rate("litellm_input_tokens_metric_total", "team"),
                f"{_TEAM} generated": rate("litellm_output_tokens_metric_total", "team"),
            },
        ),
        Panel(
            "Requests/s by team and status",
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
        Panel("Total GPU power", "watt", {"all": "stack:gpu_power_watts:sum"}, "stat"),
        Panel(
            "Energy per generated token",
            "joule",
            {"all": "stack:gpu_joules_per_generated_token:ratio_rate5m"},
            "stat",
        ),
        Panel("Max GPU temperature", "celsius", {"all": "max(DCGM_FI_DEV_GPU_TEMP)"}, "stat"),
        Panel("GPU utilization", "percentunit", {_GPU: "DCGM_FI_DEV_GPU_UTIL / 100"}),
        Panel("GPU power", "watt", {_GPU: "DCGM_FI_DEV_POWER_USAGE"}),
        Panel("GPU memory used", "mbytes", {_GPU: "DCGM_FI_DEV_FB_USED"}),
        Panel("GPU memory free", "mbytes", {_GPU: "DCGM_FI_DEV_FB_FREE"}),
        Panel("GPU temperature", "celsius", {_GPU: "DCGM_FI_DEV_GPU_TEMP"}),
        Panel(
            "Throttled by heat",
            "percentunit",
            {_GPU: "rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e9"},  # nanoseconds per second
        ),
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
            "Router 5xx ratio, last hour",
            "percentunit",
            {"all": "router:errors:ratio_rate1h"},
            "stat",
        ),
        Panel("Prometheus head series", "short", {"all": "prometheus_tsdb_head_series"}, "stat"),
        Panel(
            "Gateway responses/s",
            "reqps",
            {"{{service}} {{code}}": rate("kong_http_requests_total", "service", "code")},
        ),
        Panel(
            "Gateway request latency p95",
            "ms",
            {"{{service}}": quantile(0.95, "kong_request_latency_ms", "service")},
        ),
        Panel(
            "Gateway bandwidth",
            "Bps",
            {"{{direction}}": rate("kong_bandwidth_bytes", "direction")},
        ),
        Panel(
            "Router overhead p95",
            "s",
            {"router": quantile(0.95, "litellm_overhead_latency_metric")},
        ),
        Panel(
            "Keycloak requests/s",
            "reqps",
            {"{{outcome}}": rate("http_server_requests_seconds_count", "outcome")},
        ),
        Panel(
            "Keycloak database connections",
            "short",
            {"active": total("agroal_active_count"), "awaiting": total("agroal_awaiting_count")},
        ),
        Panel(
            "Keycloak sign-ins/s",
            "short",
            {
                "succeeded": rate("keycloak_user_events_total", where=f'{_SIGN_INS}, error=""'),
                "failed": rate("keycloak_user_events_total", where=f'{_SIGN_INS}, error!=""'),
            },
        ),
        Panel("Qdrant points", "short", {"{{id}}": "max by (id) (collection_points)"}),
        Panel(
            "Qdrant requests/s",
            "reqps",
            {
                "all": rate("rest_responses_total"),
                "failed": rate("rest_responses_total", where='status=~"5.."'),
            },
        ),
        Panel("Qdrant resident memory", "bytes", {"{{instance}}": "memory_resident_bytes"}),
        Panel(
            "MinIO usable capacity",
            "bytes",
            {
                "free": "min(minio_cluster_health_capacity_usable_free_bytes)",
                "total": "min(minio_cluster_health_capacity_usable_total_bytes)",
            },
        ),
        Panel("PostgreSQL replication lag", "s", {"{{instance}}": "cnpg_pg_replication_lag"}),
        Panel(
            "PostgreSQL database size",
            "bytes",
            {"{{datname}}": "max by (datname) (cnpg_pg_database_size_bytes)"},
        ),
        Panel(
            "Prometheus blocks on disk", "bytes", {"blocks": "prometheus_tsdb_storage_blocks_bytes"}
        ),
        Panel("Scrape duration", "s", {"{{job}}": "max by (job) (scrape_duration_seconds)"}),
    ],
)

DASHBOARDS = (_MODELS, _GPUS, _PLATFORM)
