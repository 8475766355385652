"""What Prometheus computes ahead and what it alerts on, as data: no Pulumi here.

An SLO is watched by the rate at which its allowance burns, over a long window and a short one
(https://sre.google/workbook/alerting-on-slos/): 14.4 times too fast spends 2 % of a month's
allowance in an hour, 6 times too fast 5 % in six hours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.monitoring.promql import quantile, rate, total
from config.settings.observability import SloSettings

Severity = Literal["critical", "warning", "none"]

_WINDOWS = ("5m", "30m", "1h", "6h")
_BURNS: tuple[tuple[str, str, float, Severity], ...] = (
    ("1h", "5m", 14.4, "critical"),
    ("6h", "30m", 6, "warning"),
)
"""Long window, short window, times too fast, severity."""

_TTFT = "vllm:time_to_first_token_seconds"
_GENERATED = "vllm:generation_tokens_total"
_OUR_FAULT = '{0}=~"5.."'


@dataclass(frozen=True)
class Record:
    """A series computed ahead, named `level:metric:operation`."""

    record: str
    expr: str

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {"record": self.record, "expr": self.expr}


@dataclass(frozen=True)
class Alert:
    """Something that a person should know; *summary* says what, *action* what to do."""

    alert: str
    expr: str
    severity: Severity
    summary: str
    action: str
    for_: str = "5m"

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.alert,
            "expr": self.expr,
            "for": self.for_,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "action": self.action},
        }


def rules(slo: SloSettings, jobs: Sequence[str]) -> dict[str, Any]:
    """The rules file for a stack whose targets have these *jobs*.

    https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
    """
    groups: dict[str, list[Record | Alert]] = {
        "targets": list(_targets(jobs)),
        "models": [*_first_token(slo), *_MODELS],
        "gpus": _GPUS,
        "router": [*_availability(slo), *_ROUTER],
        "parts": [*_PARTS],
        "watchers": _WATCHERS,
    }
    return {
        "groups": [
            {"name": name, "rules": [rule.rule() for rule in content]}
            for name, content in groups.items()
        ]
    }


def _targets(jobs: Sequence[str]) -> Iterator[Alert]:
    yield Alert(
        "TargetDown",
        "up == 0",
        "critical",
        "{{ $labels.job }} at {{ $labels.instance }} does not answer.",
        "Look at the pod; an expired certificate looks like this too: `pulumi up` renews it.",
    )
    if jobs:
        yield Alert(
            "TargetAbsent",
            " or ".join(f'absent(up{{job="{job}"}})' for job in sorted(set(jobs))),
            "critical",
            "Nothing of {{ $labels.job }} is found.",
            "Look whether its pods run and whether its headless Service has addresses.",
            "10m",
        )


def _first_token(slo: SloSettings) -> Iterator[Record | Alert]:
    bound = f'le="{slo.first_token_seconds}"'
    for window in _WINDOWS:
        in_time = rate(f"{_TTFT}_bucket", "model_name", where=bound, window=window)
        every = rate(f"{_TTFT}_count", "model_name", window=window)
        yield Record(f"model:first_token_late:ratio_rate{window}", f"1 - {in_time} / {every}")
    yield from _burns(
        "FirstTokenLate",
        "model:first_token_late:ratio_rate",
        slo.first_token_objective,
        f"{{{{ $labels.model_name }}}}: too many first tokens take over "
        f"{slo.first_token_seconds:g} s.",
        "Add replicas, or lower what teams may ask for in a minute.",
    )


def _availability(slo: SloSettings) -> Iterator[Record | Alert]:
    requests = "litellm_proxy_total_requests_metric_total"
    for window in _WINDOWS:
        failed = rate(requests, where=_OUR_FAULT.format("status_code"), window=window)
        yield Record(
            f"router:failed:ratio_rate{window}",
            f"({failed} or vector(0)) / {rate(requests, window=window)}",
        )
    yield from _burns(
        "RequestsFail",
        "router:failed:ratio_rate",
        slo.availability_objective,
        "Too many requests to the models fail by our fault.",
        "Look which model's pods restart, and whether Redis answers.",
    )


def _burns(alert: str, record: str, objective: float, summary: str, action: str) -> Iterator[Alert]:
    for long, short, times, severity in _BURNS:
        bound = round(times * (1 - objective), 6)
        yield Alert(
            f"{alert}{'Fast' if severity == 'critical' else 'Slowly'}",
            f"{record}{long} > {bound} and {record}{short} > {bound}",
            severity,
            summary,
            action,
            "2m",
        )


_MODELS: list[Record | Alert] = [
    Record(
        "model:first_token_seconds:p95",
        quantile(0.95, _TTFT, "model_name"),
    ),
    Record(
        "model:inter_token_seconds:p95",
        quantile(0.95, "vllm:inter_token_latency_seconds", "model_name"),
    ),
    Record(
        "model:generated_tokens:rate5m",
        rate(_GENERATED, "model_name"),
    ),
    Alert(
        "RequestsWait",
        f"{total('vllm:num_requests_waiting', 'model_name')} "
        f"> {total('vllm:num_requests_running', 'model_name')}",
        "warning",
        "{{ $labels.model_name }}: more requests wait than run.",
        "Add replicas, or lower what teams may ask for in a minute.",
        "10m",
    ),
    Alert(
        "KvCacheFull",
        "vllm:kv_cache_usage_perc > 0.95",  # a share, whatever its name says
        "warning",
        "{{ $labels.model_name }}: the KV cache has been full for ten minutes.",
        "Shorten the context, quantise the cache to fp8, or add replicas.",
        "10m",
    ),
    Alert(
        "Preemptions",
        f"{rate('vllm:num_preemptions_total', 'model_name', window='15m')} > 0.1",
        "warning",
        "{{ $labels.model_name }}: answers are computed twice because the KV cache is too small.",
        "Lower the number of sequences that run at once, or add replicas.",
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
        "DCGM_FI_DEV_XID_ERRORS != 0",
        "critical",
        "GPU {{ $labels.gpu }} of {{ $labels.Hostname }} reported XID {{ $value }}.",
        "Look the number up in NVIDIA's XID catalogue; drain the node if it is not the program's.",
        "0m",
    ),
    Alert(
        "GpuMemoryFaulty",
        "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1h]) > 0 or DCGM_FI_DEV_ROW_REMAP_FAILURE > 0",
        "critical",
        "GPU {{ $labels.gpu }} of {{ $labels.Hostname }} has memory that cannot be corrected.",
        "Drain the node, reset the GPU, and have it replaced if it comes back.",
        "0m",
    ),
    Alert(
        "GpuHot",
        "DCGM_FI_DEV_GPU_TEMP > 85",
        "warning",
        "GPU {{ $labels.gpu }} of {{ $labels.Hostname }} is at {{ $value }} degrees.",
        "Look at the cooling; from about 90 degrees on it slows down.",
        "10m",
    ),
    Alert(
        "GpuThrottled",
        "rate(DCGM_FI_DEV_THERMAL_VIOLATION[10m]) > 0",
        "warning",
        "GPU {{ $labels.gpu }} of {{ $labels.Hostname }} slows down because of heat.",
        "Look at the cooling.",
        "10m",
    ),
]

_ROUTER: list[Record | Alert] = [
    Alert(
        "ModelUnreachable",
        "max by (litellm_model_name) (litellm_deployment_state) == 2",
        "critical",
        "The router cannot reach {{ $labels.litellm_model_name }}.",
        "Look at the model's pods and at the router's log.",
    ),
]

_PARTS: list[Alert] = [
    Alert(
        "GatewayFails",
        f"{rate('kong_http_requests_total', where=_OUR_FAULT.format('code'))} "
        f"/ {rate('kong_http_requests_total')} > 0.05",
        "critical",
        "More than 5 % of what the gateway answers are errors of ours.",
        "Look which service they belong to: the label `service` of kong_http_requests_total.",
    ),
    Alert(
        "SignInWaitsForDatabase",
        f"{total('agroal_awaiting_count')} > 0",
        "warning",
        "Keycloak waits for connections to its database.",
        "Look at the load of its PostgreSQL; give Keycloak more connections.",
        "10m",
    ),
    Alert(
        "VectorsLackCopies",
        "max(collection_dead_replicas) > 0",
        "critical",
        "Qdrant has copies of shards that do not answer.",
        "Look which member is down, and whether its disk is full.",
        "10m",
    ),
    Alert(
        "VectorsLackMembers",
        'max(cluster_peers_total) > count(up{job="qdrant"} == 1)',
        "critical",
        "Qdrant knows of more members than answer.",
        "Look which member is down; remove one that will not come back from the cluster.",
        "10m",
    ),
    Alert(
        "ObjectStoreLacksDrives",
        "max(minio_cluster_health_drives_offline_count) > 0 "
        "or max(minio_cluster_health_nodes_offline_count) > 0",
        "critical",
        "Drives or servers of the object store are offline.",
        "Look which pod or volume is missing before another goes.",
        "10m",
    ),
    Alert(
        "ObjectStoreNearlyFull",
        "min(minio_cluster_health_capacity_usable_free_bytes) "
        "/ min(minio_cluster_health_capacity_usable_total_bytes) < 0.1",
        "warning",
        "Less than 10 % of the object store is free.",
        "Remove weights that no model uses, or add a pool.",
        "30m",
    ),
    Alert(
        "DatabaseDown",
        "cnpg_collector_up == 0",
        "critical",
        "A PostgreSQL instance does not answer its own exporter.",
        "Look at the pod and at the events of its Cluster.",
    ),
    Alert(
        "DatabaseLags",
        "cnpg_pg_replication_lag > 60",
        "warning",
        "A standby of PostgreSQL is a minute behind.",
        "Look at its disk and at the network; a failover now would lose that minute.",
        "10m",
    ),
]

_WATCHERS: list[Record | Alert] = [
    Alert(
        "Watchdog",
        "vector(1)",
        "none",
        "Always fires: whoever stops receiving it knows that alerting is broken.",
        "None while it arrives.",
        "0m",
    ),
    Alert(
        "RulesFail",
        "increase(prometheus_rule_evaluation_failures_total[10m]) > 0",
        "warning",
        "Prometheus cannot evaluate some rules.",
        "Look at its log.",
    ),
    Alert(
        "AlertsLost",
        "increase(prometheus_notifications_dropped_total[10m]) > 0 "
        "or increase(alertmanager_notifications_failed_total[10m]) > 0",
        "critical",
        "Alerts do not arrive.",
        "Look at Alertmanager, and whether its webhook answers.",
    ),
    Alert(
        "MetricsNotCompacted",
        "increase(prometheus_tsdb_compactions_failed_total[1h]) > 0",
        "warning",
        "Prometheus cannot compact its data.",
        "Look whether its disk is full.",
    ),
]
