"""Grafana: dashboards over Prometheus, for administrators of the realm."""

import json
from collections.abc import Mapping
from typing import Any

from pulumi import Output, ResourceOptions
from pydantic import Field

from catalog.images import image_user
from components.common import probes, secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Server
from components.common.contracts import OidcClient, Route, ScrapeTarget, Upstream
from components.common.json_text import json_text
from components.common.labels import selector
from components.common.network import Pods
from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE
from components.common.pod import config_files, container, scratch, secret_files, tmp
from components.common.tier import Tier
from components.monitoring.dashboard import DATASOURCE
from components.monitoring.dashboards import DASHBOARDS
from config.settings.observability import ObservabilitySettings

CALLBACK = "/login/generic_oauth"
"""OIDC redirect path."""

_SECRETS = "/run/secrets/grafana"
_PROVISIONING = "/etc/grafana/provisioning"
_DASHBOARDS = "/etc/grafana/dashboards"


class GrafanaArgs(Args):
    """One Grafana."""

    tier: Tier
    settings: ObservabilitySettings = Field(default_factory=ObservabilitySettings)
    host: str
    """Public host, such as `monitoring.entreprise.fr`."""
    oidc: OidcClient
    prometheus: Upstream


class Grafana(Server):
    """A single stateless Grafana: data source, dashboards and users are provisioned."""

    kind = "grafana"
    port = 3000

    upstream: Upstream
    admin_secret: Output[str]
    """`namespace/name` of the Secret with the password of `admin`, for a Keycloak outage."""

    def __init__(self, name: str, args: GrafanaArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        keys = secrets.files(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {
                "admin-password": secrets.password(self, f"{name}-admin"),
                "secret-key": secrets.password(self, f"{name}-secret-key"),
                "client-secret": args.oidc.client_secret,
            },
        )
        self.admin_secret = Output.format("{0}/{1}", args.tier.namespace, keys)
        sources = args.prometheus.url.apply(lambda url: json_text(datasources(url)))
        boards = {f"{board.uid}.json": json_text(board.json()) for board in DASHBOARDS}
        provided = {
            "datasources": ({"prometheus.yaml": sources}, f"{_PROVISIONING}/datasources"),
            "providers": ({"stack.yaml": json.dumps(providers())}, f"{_PROVISIONING}/dashboards"),
            "dashboards": (boards, _DASHBOARDS),
        }
        mounts = [
            secret_files("secrets", keys, _SECRETS),
            self.certificate(name, self.members),
            *(
                config_files(what, self._config(what, content), path)
                for what, (content, path) in provided.items()
            ),
            scratch("data", "/var/lib/grafana", "1Gi"),
            tmp(),
        ]
        alive = probes.https("/api/health", self.port, failures=6)
        server = container(
            "grafana",
            args.tier.image("grafana"),
            args.settings.grafana,
            env={**environment(args.host), **_sign_in(args.oidc)},
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/api/health", self.port),
            liveness=alive,
            startup=probes.startup(alive, 180),
        )
        self.service({"https": self.port}, name=self.members, headless=True)
        self.service({"https": self.port})
        workload = self.deployment(
            self.pod([server], mounts, user=image_user("grafana")),
            1,
        )
        self.tier.firewall.connect(self.pods, args.prometheus.server, args.prometheus.port)
        self.tier.firewall.connect(self.pods, args.oidc.server, args.oidc.port)
        self.upstream = self.upstream_after(workload.metadata.name)
        self.register_outputs({"url": self.upstream.url})

    def route(self, host: str) -> Route:
        """All of *host* except Grafana's own metrics."""
        return Route(self.name, host, self.upstream, blocked=("/metrics",))

    def _config(self, what: str, content: Mapping[str, MaybeOutput[str]]) -> Output[str]:
        return secrets.config(
            self, f"{self.name}-{what}", self.tier.namespace, self.labels, content
        )


def scrape_target(name: str, tier: Tier) -> ScrapeTarget:
    """Metrics of the Grafana *name*, by name, since Grafana depends on Prometheus in turn."""
    return ScrapeTarget(
        job=Grafana.kind,
        server=Pods(name, tier.namespace, selector(Grafana.kind, name)),
        host=Output.format("{0}-members.{1}.svc", name, tier.namespace),
        server_name=Output.format("{0}.{1}.svc", name, tier.namespace),
        port=Grafana.port,
    )


def environment(host: str) -> dict[str, str]:
    """Plain settings.

    https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
    """
    settings = {
        "server": {
            "protocol": "https",
            "http_port": str(Grafana.port),
            "cert_file": CERT_FILE,
            "cert_key": KEY_FILE,
            "domain": host,
            "root_url": f"https://{host}/",
        },
        "security": {
            "admin_password__file": f"{_SECRETS}/admin-password",
            "secret_key__file": f"{_SECRETS}/secret-key",
            "cookie_secure": "true",
            "strict_transport_security": "true",
            # It compares Origin with Host, which the gateway rewrites (docs/reference/run-time.md).
            "csrf_trusted_origins": host,
            "disable_gravatar": "true",
        },
        "auth": {"disable_login_form": "true"},
        "users": {"allow_sign_up": "false"},
        "analytics": {
            "reporting_enabled": "false",
            "check_for_updates": "false",
            "check_for_plugin_updates": "false",
        },
        "news": {"news_feed_enabled": "false"},
        "plugins": {"preinstall_disabled": "true", "plugin_admin_enabled": "false"},
        "snapshots": {"external_enabled": "false"},
        "log": {"mode": "console"},
        "dashboards": {"default_home_dashboard_path": f"{_DASHBOARDS}/models.json"},
    }
    return {
        f"GF_{section}_{key}".upper(): value
        for section, keys in settings.items()
        for key, value in keys.items()
    }


def _sign_in(oidc: OidcClient) -> dict[str, MaybeOutput[str]]:
    """Sign-in for the realm role of administrators only: without a mapped role it is denied."""
    inside = oidc.discovery_url.apply(
        lambda url: url.removesuffix("/.well-known/openid-configuration")
    )
    settings: dict[str, MaybeOutput[str]] = {
        "enabled": "true",
        "name": "Keycloak",
        "allow_sign_up": "true",
        "client_id": oidc.client_id,
        "client_secret__file": f"{_SECRETS}/client-secret",
        "scopes": "openid profile email",
        "auth_url": f"{oidc.issuer}/protocol/openid-connect/auth",
        "token_url": Output.format("{0}/protocol/openid-connect/token", inside),
        "api_url": Output.format("{0}/protocol/openid-connect/userinfo", inside),
        "use_pkce": "true",
        "tls_client_ca": CA_FILE,
        "login_attribute_path": "preferred_username",
        "email_attribute_path": "email",
        "role_attribute_path": f"contains(roles[*], '{oidc.admin_role}') && 'Admin'",
        "role_attribute_strict": "true",
    }
    return {f"GF_AUTH_GENERIC_OAUTH_{key}".upper(): value for key, value in settings.items()}


def datasources(url: str) -> dict[str, Any]:
    """Provisioning file of the only data source, Prometheus at *url*."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": DATASOURCE,
                "type": "prometheus",
                "access": "proxy",
                "url": url,
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "tlsAuthWithCACert": True},
                "secureJsonData": {"tlsCACert": f"$__file{{{CA_FILE}}}"},
            }
        ],
    }


def providers() -> dict[str, Any]:
    """Provisioning file with the folder of the dashboards."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "stack",
                "type": "file",
                "allowUiUpdates": False,
                "options": {"path": _DASHBOARDS},
            }
        ],
    }
