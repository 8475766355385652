"""For every alert, series that raise it and series that end it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A timeline of one alert, in minutes."""

    series: Mapping[str, str]
    """Values by series in promtool's notation, one a minute: `1x9` is ten times 1, `_` none."""
    fires: int
    """When it fires, at the latest."""
    resolved: int
    """When it no longer does."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the alert, besides its severity."""
    value: str = ""
    """What `$value` is."""

    def test(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """The case as a unit test of promtool for *rule*."""
        texts = {key: self._filled_in(text) for key, text in rule["annotations"].items()}
        labels = {**rule["labels"], **self.labels}
        firing = [{"exp_labels": labels, "exp_annotations": texts}]
        expected = [(0, []), (self.fires, firing), (self.resolved, [])]
        return {
            "interval": "1m",
            "input_series": [{"series": s, "values": values} for s, values in self.series.items()],
            "alert_rule_test": [
                {"eval_time": f"{minute}m", "alertname": rule["alert"], "exp_alerts": alerts}
                for minute, alerts in expected
            ],
        }

    def _filled_in(self, text: str) -> str:
        for label, value in self.labels.items():
            text = text.replace(f"{{{{ $labels.{label} }}}}", value)
        return text.replace("{{ $value }}", self.value)


Targets = Sequence[tuple[str, str]]
"""Job and component of each."""


def up(targets: Targets, **others: str) -> dict[str, str]:
    """Whether *targets* are up: those of the components *others* as given, the rest always."""
    return {
        f'up{{job="{job}",component="{component}",instance="a"}}': others.get(component, "1x200")
        for job, component in targets
    }


_GPU = {
    "gpu": "3",
    "hostname": "node-7",
    "job": "dcgm",
    "UUID": "GPU-1",
}
_MODEL = {"model_name": "chat"}
_TTFT = "vllm:time_to_first_token_seconds"
_ROUTED = "litellm_proxy_total_requests_metric_total"
_OF_CHAT = 'litellm_model_name="chat",team="x"'
_SIGN_INS = "keycloak_user_events_total"


def _late_tokens(minutes: int) -> dict[str, str]:
    """Nine of ten first tokens are late for *minutes*, then none."""
    late = f"0+1x{minutes} {minutes + 10}+10x500"
    return {
        f'{_TTFT}_bucket{{model_name="chat",engine="0",le="2.5"}}': late,
        f'{_TTFT}_bucket{{model_name="chat",engine="0",le="+Inf"}}': "0+10x1000",
        f'{_TTFT}_count{{model_name="chat",engine="0"}}': "0+10x1000",
    }


def _server_errors(minutes: int) -> dict[str, str]:
    """Half of the requests fail for *minutes*, then none."""
    return {
        f'{_ROUTED}{{team="x",status_code="200"}}': "0+10x1000",
        f'{_ROUTED}{{team="x",status_code="503"}}': f"0+10x{minutes} {10 * minutes}x500",
    }


def _gpu(metric: str, values: str, **more: str) -> dict[str, str]:
    labels = ",".join(f'{label}="{value}"' for label, value in {**_GPU, **more}.items())
    return {f"{metric}{{{labels}}}": values}


def cases(targets: Targets) -> dict[str, Case]:
    """The case of each alert, by its name, for a stack with these scrape *targets*."""
    return {**_targets(targets), **_MODELS, **_GPUS, **_ROUTER, **_PLATFORM, **_MONITORING}


def _targets(targets: Targets) -> dict[str, Case]:
    chat = {"job": "vllm", "component": "chat"}
    # The pods of one model are gone, and with them their series and addresses; then they are back.
    gone = up(targets, chat="1x5 stale _x30 1x60")
    return {
        "TargetDown": Case(up(targets, chat="0x15 1x60"), 7, 17, {**chat, "instance": "a"}),
        "TargetAbsent": Case(gone, 22, 40, chat),
    }


_MODELS = {
    "TtftSloBurnFast": Case(_late_tokens(90), 90, 100, _MODEL),
    "TtftSloBurnSlow": Case(_late_tokens(90), 90, 125, _MODEL),
    "RequestQueueGrows": Case(
        {
            'vllm:num_requests_waiting{model_name="chat",engine="0"}': "9x20 0x20",
            'vllm:num_requests_running{model_name="chat",engine="0"}': "8x40",
        },
        12,
        22,
        _MODEL,
    ),
    "KvCacheFull": Case(
        {'vllm:kv_cache_usage_perc{model_name="chat",engine="0"}': "0.97x20 0.5x20"},
        12,
        22,
        {**_MODEL, "engine": "0"},
    ),
    "Preemptions": Case(
        {'vllm:num_preemptions_total{model_name="chat",engine="0"}': "0+60x40 2400x60"},
        35,
        57,
        _MODEL,
    ),
}

_GPUS = {
    # Without an XID in its window the exporter gives a zero that has no label xid.
    "GpuXid": Case(
        {
            **_gpu("DCGM_EXP_XID_ERRORS_COUNT", "0x4 _x4 0x20", window_size_in_ms="300000"),
            **_gpu(
                "DCGM_EXP_XID_ERRORS_COUNT",
                "_x4 1x4 stale _x20",
                window_size_in_ms="300000",
                xid="79",
            ),
        },
        7,
        11,
        {**_GPU, "window_size_in_ms": "300000", "xid": "79"},
    ),
    "GpuMemoryErrors": Case(_gpu("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "0x9 1x100"), 12, 75, _GPU),
    "GpuTemperatureHigh": Case(_gpu("DCGM_FI_DEV_GPU_TEMP", "91x20 70x20"), 12, 22, _GPU, "91"),
    "GpuThrottled": Case(_gpu("DCGM_FI_DEV_THERMAL_VIOLATION", "0+1e9x30 3e10x30"), 20, 42, _GPU),
}

_ROUTER = {
    "AvailabilitySloBurnFast": Case(_server_errors(90), 90, 100),
    "AvailabilitySloBurnSlow": Case(_server_errors(90), 90, 125),
    # Every request fails for half an hour, from the very first on; then every one succeeds.
    "ModelUnreachable": Case(
        {
            f'litellm_deployment_failure_responses_total{{{_OF_CHAT},exception_status="500"}}': (
                "_x3 1+6x30 187x60"
            ),
            f"litellm_deployment_total_requests_total{{{_OF_CHAT}}}": "_x3 1+6x100",
        },
        20,
        40,
        {"litellm_model_name": "chat"},
    ),
}

_PLATFORM = {
    "GatewayErrors": Case(
        {
            'kong_http_requests_total{service="chat",code="200"}': "0+10x100",
            'kong_http_requests_total{service="chat",code="503"}': "0+10x30 300x60",
        },
        20,
        37,
    ),
    "KeycloakDatabasePoolExhausted": Case(
        {'agroal_awaiting_count{datasource="default"}': "3x20 0x20"}, 12, 22
    ),
    # As many people sign in as ever, while somebody guesses.
    "LoginFailures": Case(
        {
            f'{_SIGN_INS}{{event="login",error=""}}': "0+2x100",
            f'{_SIGN_INS}{{event="login",error="invalid_user_credentials"}}': "_x3 5+9x30 275x60",
        },
        25,
        46,
    ),
    "QdrantReplicasDead": Case({"collection_dead_replicas": "1x20 0x20"}, 12, 22),
    "QdrantMembersDown": Case(
        {
            "cluster_peers_total": "3x40",
            'up{job="qdrant",instance="a"}': "1x40",
            'up{job="qdrant",instance="b"}': "1x40",
            'up{job="qdrant",instance="c"}': "stale _x20 1x20",
        },
        12,
        23,
    ),
    "ObjectStoreDrivesOffline": Case(
        {"minio_cluster_health_drives_offline_count": "1x20 0x20"}, 12, 22
    ),
    "ObjectStoreNearlyFull": Case(
        {
            "minio_cluster_health_capacity_usable_free_bytes": "5x40 50x40",
            "minio_cluster_health_capacity_usable_total_bytes": "100x80",
        },
        35,
        42,
    ),
    "PostgresDown": Case({'cnpg_collector_up{cluster="a"}': "0x20 1x20"}, 7, 22, {"cluster": "a"}),
    "PostgresReplicationLag": Case(
        {'cnpg_pg_replication_lag{instance="a"}': "90x20 0x20"}, 12, 22, {"instance": "a"}
    ),
}

_MONITORING = {
    "PrometheusRuleFailures": Case(
        {'prometheus_rule_evaluation_failures_total{rule_group="models"}': "0+1x20 20x30"},
        12,
        32,
        {"rule_group": "models"},
    ),
    "AlertDeliveryFails": Case(
        {'alertmanager_notifications_failed_total{integration="webhook"}': "0+1x20 20x30"},
        12,
        32,
        {"integration": "webhook"},
    ),
    "PrometheusCompactionFails": Case(
        {"prometheus_tsdb_compactions_failed_total": "0x9 1x100"}, 17, 75
    ),
}
