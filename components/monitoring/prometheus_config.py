"""Configuration of Prometheus and Alertmanager, as data: no Pulumi here.

Targets are discovered through the cluster DNS, as the pods behind a headless Service, so that
Prometheus needs no access to the API server (docs/adr/0006-prometheus-without-operator.md).
https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE


@dataclass(frozen=True)
class Job:
    """A scrape target with plain values; see `components.common.contracts.ScrapeTarget`."""

    job: str
    component: str
    """Value of the label `component` of the series."""
    host: str
    server_name: str
    port: int
    path: str
    token_file: str | None = None
    """File with the bearer token that the target requires."""


def prometheus_config(
    jobs: Sequence[Job],
    *,
    scrape_seconds: int,
    rule_files: Sequence[str],
    alertmanager: Job,
) -> dict[str, Any]:
    """The `prometheus.yaml`."""
    interval = f"{scrape_seconds}s"
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": list(rule_files),
        "alerting": {"alertmanagers": [_over_tls(alertmanager)]},
        "scrape_configs": [_scrape(job) for job in jobs],
    }


def _scrape(job: Job) -> dict[str, Any]:
    scrape: dict[str, Any] = {
        "job_name": f"{job.job}/{job.component}:{job.port}{job.path}",  # must be unique
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
    """Every pod of *job*, with a certificate valid for the DNS name of its component."""
    return {
        "scheme": "https",
        "tls_config": {"ca_file": CA_FILE, "server_name": job.server_name},
        "dns_sd_configs": [
            {"names": [job.host], "type": "A", "port": job.port, "refresh_interval": "30s"}
        ],
    }


def alertmanager_config(webhook_url: str | None) -> dict[str, Any]:
    """The `alertmanager.yaml`: all alerts to *webhook_url*, if any.

    https://prometheus.io/docs/alerting/latest/configuration/
    """
    receiver: dict[str, Any] = {"name": "people"}
    if webhook_url:
        receiver["webhook_configs"] = [{"url": webhook_url, "send_resolved": True}]
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
    """The `--web.config.file` of both.

    https://prometheus.io/docs/prometheus/latest/configuration/https/
    """
    return {
        "tls_server_config": {
            "cert_file": CERT_FILE,
            "key_file": KEY_FILE,
            "min_version": "TLS12",
        }
    }
