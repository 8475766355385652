"""Kong: the API gateway, the only entry point from outside the cluster."""

from math import ceil
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import parse
from catalog.images import image_user
from components.common import probes, secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Server, after
from components.common.contracts import RedisAccess, Route, ScrapeTarget, resolved
from components.common.json_text import secret_json
from components.common.labels import selector
from components.common.network import Pods
from components.common.pki import CA_FILE, CERTIFICATE, PRIVATE_KEY, TLS_PATH
from components.common.pod import Mount, container, scratch, secret_files, tmp
from components.common.tier import Tier
from components.gateway.kong_config import Consumer, Realm, kong_config
from config.settings.gateway import GatewaySettings
from config.settings.teams import Team

_STATUS = 8100
"""Readiness and metrics."""
_HTTPS = 443
_CONFIG = "/etc/kong-declarative"
_PUBLIC = "/etc/public-tls"
_PREFIX = "/run/kong"
_DRAIN_SECONDS = 15
"""Time for load balancers to remove a terminating pod; the same as in Kong's own chart."""
_GRACE_SECONDS = 120
"""Time for running streams to finish."""


class KongGatewayArgs(Args):
    """A gateway for a list of routes."""

    tier: Tier
    settings: GatewaySettings = Field(default_factory=GatewaySettings)
    routes: list[Route]
    issuer: str
    """The `iss` claim of accepted tokens."""
    public_key: MaybeOutput[str]
    """PEM that verifies them."""
    teams: dict[str, Team]
    team_keys: dict[str, Output[str]]
    """API key of each team: secrets."""
    redis: RedisAccess[Output[str]]
    """Shares rate-limit counters between replicas."""


def kong_metrics(name: str, tier: Tier) -> ScrapeTarget:
    """Metrics of the gateway *name*, by name and not by its outputs.

    The gateway depends on the dashboards that it routes to, so these cannot depend on the gateway.
    """
    host = Output.format("{0}-members.{1}.svc", name, tier.namespace)
    return ScrapeTarget(
        job="kong",
        server=Pods(name, tier.namespace, selector(KongGateway.kind, name)),
        host=host,
        server_name=host,
        port=_STATUS,
    )


class KongGateway(Server):
    """DB-less Kong: one declarative configuration file, and a rollout for each change of it."""

    kind = "kong"
    port = 8443

    address: Output[str]
    """Address of the load balancer, for the organization's DNS; known once it is assigned."""

    def __init__(
        self, name: str, args: KongGatewayArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        settings = args.settings
        declarative = secrets.files(
            self, name, args.tier.namespace, self.labels, {"kong.json": self._configuration(args)}
        )
        mounts = [
            secret_files("config", declarative, _CONFIG),
            self.certificate(name, self.members),
            self._public_certificate(args),
            scratch("prefix", _PREFIX, "1Gi"),  # buffers uploads
            tmp(),
        ]
        server = container(
            "kong",
            args.tier.image("kong"),
            settings.resources,
            env=kong_environment(settings),
            ports={"https": self.port, "status": _STATUS},
            mounts=mounts,
            readiness=probes.https("/status/ready", _STATUS),
            liveness=probes.https("/status", _STATUS, failures=6),
            pre_stop_seconds=_DRAIN_SECONDS,
        )
        self.service({"status": _STATUS}, name=self.members, headless=True)
        workload = self.deployment(
            self.pod(
                [server], mounts, user=image_user("kong"), grace_seconds=_GRACE_SECONDS, spread=True
            ),
            settings.replicas,
        )
        self._connect(args)
        self.address = after(self._load_balancer(name, settings), workload.metadata.name)
        self.register_outputs({"address": self.address})

    def _configuration(self, args: KongGatewayArgs) -> Output[str]:
        def render(known: dict[str, Any]) -> str:
            configuration = kong_config(
                args.settings,
                args.routes,
                urls=known["urls"],
                authority=known["authority"],
                realm=Realm(args.issuer, known["public_key"]),
                teams={
                    name: Consumer(known["team_keys"][name], team)
                    for name, team in args.teams.items()
                },
                redis=known["redis"],
            )
            return secret_json(configuration)

        return Output.all(
            urls={route.name: route.upstream.url for route in args.routes},
            authority=args.tier.authority.pem,
            public_key=args.public_key,
            team_keys=args.team_keys,
            redis=resolved(args.redis),
        ).apply(render)

    def _public_certificate(self, args: KongGatewayArgs) -> Mount:
        """The public certificate: from the settings, or issued by the stack's authority."""
        given = args.settings.tls_secret
        if given:
            return secret_files("public-tls", given, _PUBLIC)
        issued = args.tier.authority.issue(
            self,
            f"{self.name}-public",
            args.tier.namespace,
            self.labels,
            sorted({route.host for route in args.routes}),
        )
        return secret_files("public-tls", issued, _PUBLIC)

    def _connect(self, args: KongGatewayArgs) -> None:
        """Ingress from the clients, egress to each distinct upstream and to Redis."""
        self.tier.firewall.admit_cidrs(self.pods, args.settings.client_cidrs, self.port)
        upstreams = {(u.server.name, u.port): u for u in (route.upstream for route in args.routes)}
        for upstream in upstreams.values():
            self.tier.firewall.connect(self.pods, upstream.server, upstream.port)
        self.tier.firewall.connect(self.pods, args.redis.server, args.redis.port)

    def _load_balancer(self, name: str, settings: GatewaySettings) -> Output[str]:
        """Address of the Service, awaited unlike internal ones: without it there is no entry."""
        service = k8s.core.v1.Service(
            name,
            metadata=self.metadata(name),
            spec={
                "type": "LoadBalancer",
                "selector": dict(self.pods.labels),
                "ports": [{"name": "https", "port": _HTTPS, "target_port": self.port}],
                # Preserves the client address, which `client_cidrs` filters.
                "external_traffic_policy": "Local",
                "load_balancer_source_ranges": settings.client_cidrs,
                # The quota of the tier allows no node ports: the load balancer is the only entry.
                "allocate_load_balancer_node_ports": False,
            },
            opts=self.child_opts,
        )
        return service.status.load_balancer.ingress[0].apply(
            lambda ingress: str(ingress.ip or ingress.hostname)
        )


def kong_environment(settings: GatewaySettings) -> dict[str, str]:
    """Kong's own settings, none of them secret.

    https://developer.konghq.com/gateway/configuration/
    """
    certificates = {
        "SSL": _PUBLIC,
        "STATUS_SSL": TLS_PATH,
    }
    return {
        "KONG_DATABASE": "off",
        "KONG_DECLARATIVE_CONFIG": f"{_CONFIG}/kong.json",
        "KONG_PREFIX": _PREFIX,
        "KONG_PROXY_LISTEN": f"0.0.0.0:{KongGateway.port} ssl http2 reuseport backlog=16384",
        # X-Forwarded-Port would else be the port of the container, which Keycloak would put into
        # the URLs that it announces (docs/reference/run-time.md).
        "KONG_PORT_MAPS": f"{_HTTPS}:{KongGateway.port}",
        "KONG_ADMIN_LISTEN": "off",
        "KONG_ADMIN_GUI_LISTEN": "off",
        "KONG_STATUS_LISTEN": f"0.0.0.0:{_STATUS} ssl",
        **{f"KONG_{which}_CERT": f"{path}/{CERTIFICATE}" for which, path in certificates.items()},
        **{
            f"KONG_{which}_CERT_KEY": f"{path}/{PRIVATE_KEY}"
            for which, path in certificates.items()
        },
        "KONG_LUA_SSL_TRUSTED_CERTIFICATE": CA_FILE,
        "KONG_ANONYMOUS_REPORTS": "off",
        "KONG_HEADERS": "off",  # hides the version
        "KONG_PROXY_ACCESS_LOG": "/dev/stdout",
        "KONG_PROXY_ERROR_LOG": "/dev/stderr",
        "KONG_STATUS_ACCESS_LOG": "off",
        "KONG_STATUS_ERROR_LOG": "/dev/stderr",
        # One worker per core of its limit; Kong's default is every core of the node.
        "KONG_NGINX_WORKER_PROCESSES": str(max(1, ceil(parse(settings.resources.limits.cpu)))),
        "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE": f"{settings.max_body_mib}m",
        # The cookies of Keycloak's responses exceed a buffer of 4 KiB.
        "KONG_NGINX_PROXY_PROXY_BUFFER_SIZE": "16k",
        "KONG_NGINX_PROXY_PROXY_BUFFERS": "8 16k",
    }
