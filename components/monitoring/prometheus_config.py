"""What Prometheus and Alertmanager start from, as data: no Pulumi here.

Targets are found by asking the cluster's DNS for the pods behind a headless Service, so that
Prometheus needs no access to the API server (docs/adr/0006-prometheus-without-operator.md).
https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.common.component import TLS_PATH
from config.settings.observability import AlertWebhook

_CA = f"{TLS_PATH}/ca.crt"


@dataclass(frozen=True)
class Job:
    """Some pods to read; see `components.contracts.ScrapeTarget`."""

    job: str
    component: str
    """Name of the component, which the label `component` of what is read holds."""
    host: str
    server_name: str
    port: int
    path: str
    token_file: str | None = None
    """The file with the token that the pods ask for."""


def prometheus_config(
    jobs: Sequence[Job],
    *,
    scrape_seconds: int,
    rule_files: Sequence[str],
    alertmanager: Job,
) -> dict[str, Any]:
    """The whole `prometheus.yaml`."""
    interval = f"{scrape_seconds}s"
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": list(rule_files),
        "alerting": {"alertmanagers": [_over_tls(alertmanager)]},
        "scrape_configs": [_scrape(job) for job in jobs],
    }


def _scrape(job: Job) -> dict[str, Any]:
    scrape: dict[str, Any] = {
        "job_name": f"{job.job}/{job.component}:{job.port}{job.path}",  # unique, as it must be
        **_over_tls(job),
        "metrics_path": job.path,
        "relabel_configs": [
            {"target_label": "job", "replacement": job.job},
            {"target_label": "component", "replacement": job.component},
        ],
    }
    if job.token_file:
        scrape["authorization"] = {"type": "Bearer", "credentials_file": job.token_file}
    return scrape


def _over_tls(job: Job) -> dict[str, Any]:
    """Every pod of *job*, whose certificate must be valid for the one name of its component."""
    return {
        "scheme": "https",
        "tls_config": {"ca_file": _CA, "server_name": job.server_name},
        "dns_sd_configs": [
            {"names": [job.host], "type": "A", "port": job.port, "refresh_interval": "30s"}
        ],
    }


def alertmanager_config(webhook: AlertWebhook | None) -> dict[str, Any]:
    """The whole `alertmanager.yaml`: everything to *webhook*, or to nobody.

    https://prometheus.io/docs/alerting/latest/configuration/
    """
    receiver: dict[str, Any] = {"name": "people"}
    if webhook:
        receiver["webhook_configs"] = [{"url": webhook.url, "send_resolved": True}]
    return {
        "route": {
            "receiver": "people",
            "group_by": ["alertname", "job"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
        },
        "receivers": [receiver],
    }


def web_config() -> dict[str, Any]:
    """The file of `--web.config.file`, the same for both.

    https://prometheus.io/docs/prometheus/latest/configuration/https/
    """
    return {
        "tls_server_config": {
            "cert_file": f"{TLS_PATH}/tls.crt",
            "key_file": f"{TLS_PATH}/tls.key",
            "min_version": "TLS12",
        }
    }
