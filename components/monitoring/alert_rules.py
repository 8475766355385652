"""Recording and alerting rules of Prometheus, as data: no Pulumi here.

SLOs alert on the burn rate of their error budget, over a long and a short window
(https://sre.google/workbook/alerting-on-slos/): a burn rate of 14.4 consumes 2 % of a month's
budget in an hour, a burn rate of 6 consumes 5 % in six hours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.monitoring.promql import increase, quantile, rate, total
from config.settings.observability import SloSettings

Severity = Literal["critical", "warning", "none"]

_WINDOWS = ("5m", "30m", "1h", "6h")
_BURNS: tuple[tuple[str, str, float, Severity], ...] = (
    ("1h", "5m", 14.4, "critical"),
    ("6h", "30m", 6, "warning"),
)
"""Long window, short window, burn rate, severity."""

_TTFT = "vllm:time_to_first_token_seconds"
_GENERATED = "vllm:generation_tokens_total"
_SERVER_ERROR = '{0}=~"5.."'


@dataclass(frozen=True)
class Record:
    """A recording rule, named `level:metric:operation`."""

    record: str
    expr: str

    def rule(self) -> dict[str, Any]:
        """The rule in the format of Prometheus."""
        return {"record": self.record, "expr": self.expr}


@dataclass(frozen=True)
class Alert:
    """An alerting rule; *summary* states the problem, *action* the response."""

    alert: str
    expr: str
    severity: Severity
    summary: str
    action: str
    for_: str = "5m"

    def rule(self) -> dict[str, Any]:
        """The rule in the format of Prometheus."""
        return {
            "alert": self.alert,
            "expr": self.expr,
            "for": self.for_,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "action": self.action},
        }


def rules(slo: SloSettings, targets: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The rules file for a stack with these scrape *targets*, each a job and a component.

    https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
    """
    groups: dict[str, list[Record | Alert]] = {
        "targets": list(_targets(targets)),
        "models": [*_ttft(slo), *_MODELS],
        "gpus": _GPUS,
        "router": [*_availability(slo), *_ROUTER],
        "platform": [*_PLATFORM],
        "monitoring": _MONITORING,
    }
    return {
        "groups": [
            {"name": name, "rules": [rule.rule() for rule in content]}
            for name, content in groups.items()
        ]
    }


def _targets(targets: Sequence[tuple[str, str]]) -> Iterator[Alert]:
    yield Alert(
        "TargetDown",
        "up == 0",
        "critical",
        "Scrape of {{ $labels.job }} at {{ $labels.instance }} fails.",
        "Check the pod, and whether its certificate has expired: `pulumi up` renews it.",
    )
    if targets:
        yield Alert(
            "TargetAbsent",
            # With the last pod of a component, its series and every other alert on them are gone.
            " or ".join(
                f'absent(up{{job="{job}", component="{component}"}})'
                for job, component in sorted(set(targets))
            ),
            "critical",
            "No targets discovered for {{ $labels.component }} ({{ $labels.job }}).",
            "Check whether its pods run and whether its headless Service has endpoints.",
            "10m",
        )


def _ttft(slo: SloSettings) -> Iterator[Record | Alert]:
    bound = f'le="{slo.first_token_seconds}"'
    for window in _WINDOWS:
        within = rate(f"{_TTFT}_bucket", "model_name", where=bound, window=window)
        every = rate(f"{_TTFT}_count", "model_name", window=window)
        yield Record(f"model:ttft_slo_missed:ratio_rate{window}", f"1 - {within} / {every}")
    yield from _burns(
        "TtftSloBurn",
        "model:ttft_slo_missed:ratio_rate",
        slo.first_token_objective,
        f"{{{{ $labels.model_name }}}}: TTFT exceeds {slo.first_token_seconds:g} s too often"
        " (SLO burn rate).",
        "Add replicas, or lower the rate limits of teams.",
    )


def _availability(slo: SloSettings) -> Iterator[Record | Alert]:
    requests = "litellm_proxy_total_requests_metric_total"
    for window in _WINDOWS:
        failed = rate(requests, where=_SERVER_ERROR.format("status_code"), window=window)
        yield Record(
            f"router:errors:ratio_rate{window}",
            f"({failed} or vector(0)) / {rate(requests, window=window)}",
        )
    yield from _burns(
        "AvailabilitySloBurn",
        "router:errors:ratio_rate",
        slo.availability_objective,
        "Too many requests to the models fail with 5xx (SLO burn rate).",
        "Check for restarting model pods, and whether Redis is available.",
    )


def _burns(alert: str, record: str, objective: float, summary: str, action: str) -> Iterator[Alert]:
    for long, short, burn_rate, severity in _BURNS:
        bound = round(burn_rate * (1 - objective), 6)
        yield Alert(
            f"{alert}{'Fast' if severity == 'critical' else 'Slow'}",
            f"{record}{long} > {bound} and {record}{short} > {bound}",
            severity,
            summary,
            action,
            "2m",
        )


_MODELS: list[Record | Alert] = [
    Record(
        "model:ttft_seconds:p95",
        quantile(0.95, _TTFT, "model_name"),
    ),
    Record(
        "model:inter_token_latency_seconds:p95",
        quantile(0.95, "vllm:inter_token_latency_seconds", "model_name"),
    ),
    Record(
        "model:generated_tokens:rate5m",
        rate(_GENERATED, "model_name"),
    ),
    Alert(
        "RequestQueueGrows",
        f"{total('vllm:num_requests_waiting', 'model_name')} "
        f"> {total('vllm:num_requests_running', 'model_name')}",
        "warning",
        "{{ $labels.model_name }}: more requests are queued than running.",
        "Add replicas, or lower the rate limits of teams.",
        "10m",
    ),
    Alert(
        "KvCacheFull",
        "vllm:kv_cache_usage_perc > 0.95",  # a fraction, despite its name
        "warning",
        "{{ $labels.model_name }}: KV cache usage above 95 % for ten minutes.",
        "Reduce context_tokens, set kv_cache_dtype to fp8, or add replicas.",
        "10m",
    ),
    Alert(
        "Preemptions",
        f"{rate('vllm:num_preemptions_total', 'model_name', window='15m')} > 0.1",
        "warning",
        "{{ $labels.model_name }}: requests are preempted and recomputed for lack of KV cache.",
        "Reduce max_sequences, or add replicas.",
        "15m",
    ),
]

_GPUS: list[Record | Alert] = [
    Record("stack:gpu_power_watts:sum", total("DCGM_FI_DEV_POWER_USAGE")),
    Record(
        "stack:gpu_joules_per_generated_token:ratio_rate5m",
        # the counter is in millijoules
        f"{rate('DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION')} / 1000 / {rate(_GENERATED)}",
    ),
    Alert(
        "GpuXid",
        # A count of the last five minutes. DCGM_FI_DEV_XID_ERRORS keeps the last XID for ever; it
        # is 0 on a healthy GPU.
        'DCGM_EXP_XID_ERRORS_COUNT{xid!="0"} > 0',
        "critical",
        "GPU {{ $labels.gpu }} on {{ $labels.hostname }} reported XID {{ $labels.xid }}.",
        "Look up the XID in NVIDIA's documentation; drain the node unless the XID is an application"
        " error.",
        "0m",
    ),
    Alert(
        "GpuMemoryErrors",
        "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1h]) > 0 or DCGM_FI_DEV_ROW_REMAP_FAILURE > 0",
        "critical",
        "GPU {{ $labels.gpu }} on {{ $labels.hostname }} has uncorrectable memory errors.",
        "Drain the node and reset the GPU; replace it if the errors recur.",
        "0m",
    ),
    Alert(
        "GpuTemperatureHigh",
        "DCGM_FI_DEV_GPU_TEMP > 85",
        "warning",
        "GPU {{ $labels.gpu }} on {{ $labels.hostname }} is at {{ $value }} °C.",
        "Check the cooling; above about 90 °C the GPU throttles.",
        "10m",
    ),
    Alert(
        "GpuThrottled",
        "rate(DCGM_FI_DEV_THERMAL_VIOLATION[10m]) > 0",
        "warning",
        "GPU {{ $labels.gpu }} on {{ $labels.hostname }} is thermally throttled.",
        "Check the cooling.",
        "10m",
    ),
]

# Not litellm_deployment_state, whose series of an outage stays at 2, nor the number of cool-downs:
# a refused connection seldom leads to one. What the router itself refuses names no model.
_OF_A_MODEL = 'litellm_model_name!=""'
_FAILED_BY_A_MODEL = rate(
    "litellm_deployment_failure_responses_total",
    "litellm_model_name",
    where=f'{_OF_A_MODEL}, exception_status=~"5..|408"',
)
_ASKED_OF_A_MODEL = rate(
    "litellm_deployment_total_requests_total", "litellm_model_name", where=_OF_A_MODEL
)

_ROUTER: list[Record | Alert] = [
    Alert(
        "ModelUnreachable",
        f"{_FAILED_BY_A_MODEL} / {_ASKED_OF_A_MODEL} > 0.5",
        "critical",
        "Most requests of the router to {{ $labels.litellm_model_name }} fail.",
        "Check the pods of the model and the log of the router.",
    ),
]

_SIGN_INS = "keycloak_user_events_total"
_SIGN_IN_EVENTS = 'event=~"login|client_login"'
_FAILED_SIGN_INS = increase(_SIGN_INS, where=f'{_SIGN_IN_EVENTS}, error!=""', window="10m")
_SIGNED_IN = increase(_SIGN_INS, where=f'{_SIGN_IN_EVENTS}, error=""', window="10m")

_PLATFORM: list[Alert] = [
    Alert(
        "GatewayErrors",
        f"{rate('kong_http_requests_total', where=_SERVER_ERROR.format('code'))} "
        f"/ {rate('kong_http_requests_total')} > 0.05",
        "critical",
        "More than 5 % of the responses of the gateway are 5xx.",
        "Find the upstream by the label `service` of kong_http_requests_total.",
    ),
    Alert(
        "KeycloakDatabasePoolExhausted",
        f"{total('agroal_awaiting_count')} > 0",
        "warning",
        "Requests in Keycloak wait for a database connection.",
        "Check the load of its PostgreSQL; increase the connection pool of Keycloak.",
        "10m",
    ),
    Alert(
        "LoginFailures",
        f"{_FAILED_SIGN_INS} > 20 and {_FAILED_SIGN_INS} > ({_SIGNED_IN} or vector(0))",
        "warning",
        "More sign-ins at Keycloak fail than succeed.",
        "Find out from its log who tries, and from where: somebody may be guessing passwords, or a"
        " client has a wrong secret.",
    ),
    Alert(
        "QdrantReplicasDead",
        "max(collection_dead_replicas) > 0",
        "critical",
        "Qdrant has dead shard replicas.",
        "Check for a member that is down or has a full disk.",
        "10m",
    ),
    Alert(
        "QdrantMembersDown",
        'max(cluster_peers_total) > count(up{job="qdrant"} == 1)',
        "critical",
        "Fewer Qdrant members are up than the cluster has.",
        "Check for a member that is down; remove it from the cluster if it is lost for good.",
        "10m",
    ),
    Alert(
        "ObjectStoreDrivesOffline",
        "max(minio_cluster_health_drives_offline_count) > 0 "
        "or max(minio_cluster_health_nodes_offline_count) > 0",
        "critical",
        "Drives or servers of MinIO are offline.",
        "Restore the missing pod or volume before another one fails.",
        "10m",
    ),
    Alert(
        "ObjectStoreNearlyFull",
        "min(minio_cluster_health_capacity_usable_free_bytes) "
        "/ min(minio_cluster_health_capacity_usable_total_bytes) < 0.1",
        "warning",
        "Less than 10 % of the capacity of MinIO is free.",
        "Delete documents and backups that are no longer needed, or add a pool.",
        "30m",
    ),
    Alert(
        "PostgresDown",
        "cnpg_collector_up == 0",
        "critical",
        "The exporter of a PostgreSQL instance cannot connect to it.",
        "Check the pod and the events of its Cluster.",
    ),
    Alert(
        "PostgresReplicationLag",
        "cnpg_pg_replication_lag > 60",
        "warning",
        "A PostgreSQL standby lags by more than a minute.",
        "Check its disk and the network; a failover now would lose the writes of the lag.",
        "10m",
    ),
]

_MONITORING: list[Record | Alert] = [
    Alert(
        "Watchdog",
        "vector(1)",
        "none",
        "Always firing: a receiver that stops getting it knows that alerting is broken.",
        "None while it is received.",
        "0m",
    ),
    Alert(
        "PrometheusRuleFailures",
        "increase(prometheus_rule_evaluation_failures_total[10m]) > 0",
        "warning",
        "Prometheus fails to evaluate rules.",
        "Check the log of Prometheus.",
    ),
    Alert(
        "AlertDeliveryFails",
        "increase(prometheus_notifications_dropped_total[10m]) > 0 "
        "or increase(alertmanager_notifications_failed_total[10m]) > 0",
        "critical",
        "Alerts are not delivered.",
        "Check Alertmanager, and whether its webhook responds.",
    ),
    Alert(
        "PrometheusCompactionFails",
        "increase(prometheus_tsdb_compactions_failed_total[1h]) > 0",
        "warning",
        "Prometheus fails to compact its blocks.",
        "Check whether its disk is full.",
    ),
]
