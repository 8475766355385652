"""Kong: the one way in, over TLS, for those who may."""

import json
from math import ceil
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import parse
from components.common import network, probes, secrets
from components.common.args import Args, Late
from components.common.component import TLS_PATH, Component, when_ready
from components.common.contracts import RedisAccess, Route, ScrapeTarget
from components.common.labels import selector
from components.common.network import Pods
from components.common.pod import Mount, container, pod, scratch, secret_files
from components.common.tier import Tier
from components.gateway.kong_config import Consumer, Realm, RedisServer, kong_config
from config.settings.gateway import GatewaySettings
from config.settings.teams import Team

_USER = 1000
"""Whom Kong's own chart runs it as."""
_STATUS = 8100
"""Readiness and metrics."""
_HTTPS = 443
_CONFIG = "/etc/kong-declarative"
_PUBLIC = "/etc/public-tls"
_PREFIX = "/run/kong"
_DRAIN_SECONDS = 15
"""Load balancers learn within it that a pod leaves; Kong's own chart waits as long."""
_GRACE_SECONDS = 120
"""For answers that still stream."""


class KongGatewayArgs(Args):
    """A gateway in front of some routes."""

    tier: Tier
    settings: GatewaySettings = Field(default_factory=GatewaySettings)
    routes: list[Route]
    issuer: str
    """The `iss` of the tokens that pass."""
    public_key: Late[str]
    """PEM that they verify with."""
    teams: dict[str, Team]
    team_keys: dict[str, Output[str]]
    """A key each: secrets."""
    redis: RedisAccess
    """Where the replicas share their counters."""


def kong_metrics(name: str, tier: Tier) -> ScrapeTarget:
    """What to read of the gateway called *name*, said before there is one.

    The gateway waits for the dashboards that it routes to, so these cannot wait for the gateway.
    """
    host = Output.format("{0}.{1}.svc", _members(name), tier.namespace)
    return ScrapeTarget(
        job="kong",
        server=Pods(name, tier.namespace, selector(KongGateway.kind, name)),
        host=host,
        server_name=host,
        port=_STATUS,
    )


def _members(name: str) -> str:
    """The headless Service of the gateway's pods."""
    return f"{name}-members"


class KongGateway(Component):
    """Kong without a database: its whole configuration is one file, a change of it a rollout."""

    kind = "kong"
    port = 8443

    address: Output[str]
    """Of the load balancer, for the organisation's DNS; known once it has one."""

    def __init__(
        self, name: str, args: KongGatewayArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        settings = args.settings
        members = _members(name)
        declarative = secrets.files(
            self, name, args.tier.namespace, self.labels, {"kong.json": self._configuration(args)}
        )
        mounts = [
            secret_files("config", declarative, _CONFIG),
            self.certificate(name, members),
            self._public_certificate(args),
            scratch("prefix", _PREFIX, "1Gi"),  # holds uploads while they come in
            scratch("tmp", "/tmp"),  # noqa: S108 - a path inside the container
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
        self.service({"status": _STATUS}, name=members, headless=True)
        workload = self.deployment(
            pod(
                [server],
                mounts,
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                user=_USER,
                grace_seconds=_GRACE_SECONDS,
                spread=self.pods.labels,
            ),
            settings.replicas,
        )
        self._connect(args)
        self.address = when_ready(workload, self._load_balancer(name, settings))
        self.register_outputs({"address": self.address})

    def _configuration(self, args: KongGatewayArgs) -> Output[str]:
        def render(late: dict[str, Any]) -> str:
            configuration = kong_config(
                args.settings,
                args.routes,
                urls=late["urls"],
                authority=late["authority"],
                realm=Realm(args.issuer, late["public_key"]),
                teams={
                    name: Consumer(late["team_keys"][name], team)
                    for name, team in args.teams.items()
                },
                redis=RedisServer(late["redis_host"], args.redis.port, late["redis_password"]),
            )
            return json.dumps(configuration, indent=2)

        return Output.all(
            urls={route.name: route.upstream.url for route in args.routes},
            authority=args.tier.authority.pem,
            public_key=args.public_key,
            team_keys=args.team_keys,
            redis_host=args.redis.host,
            redis_password=args.redis.password,
        ).apply(render)

    def _public_certificate(self, args: KongGatewayArgs) -> Mount:
        """The one that the outside sees: given, or of the stack's own authority."""
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
        """In from the clients, out to each distinct upstream and to Redis."""
        network.admit_cidrs(self, "clients", self.pods, args.settings.client_cidrs, self.port)
        upstreams = {(u.server.name, u.port): u for u in (route.upstream for route in args.routes)}
        for upstream in upstreams.values():
            network.connect(self, self.pods, upstream.server, upstream.port)
        network.connect(self, self.pods, args.redis.server, args.redis.port)

    def _load_balancer(self, name: str, settings: GatewaySettings) -> Output[str]:
        """Awaited, unlike the Services inside: until it has an address nobody comes in."""
        service = k8s.core.v1.Service(
            name,
            metadata=self.metadata(name),
            spec={
                "type": "LoadBalancer",
                "selector": dict(self.pods.labels),
                "ports": [{"name": "https", "port": _HTTPS, "target_port": self.port}],
                # The client's own address is what `client_cidrs` is about.
                "external_traffic_policy": "Local",
                "load_balancer_source_ranges": settings.client_cidrs,
                # The tier's quota has no node ports to give: nothing comes in beside this.
                "allocate_load_balancer_node_ports": False,
            },
            opts=self.child,
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
        "KONG_ADMIN_LISTEN": "off",
        "KONG_ADMIN_GUI_LISTEN": "off",
        "KONG_STATUS_LISTEN": f"0.0.0.0:{_STATUS} ssl",
        **{f"KONG_{which}_CERT": f"{path}/tls.crt" for which, path in certificates.items()},
        **{f"KONG_{which}_CERT_KEY": f"{path}/tls.key" for which, path in certificates.items()},
        "KONG_LUA_SSL_TRUSTED_CERTIFICATE": f"{TLS_PATH}/ca.crt",
        "KONG_ANONYMOUS_REPORTS": "off",
        "KONG_HEADERS": "off",  # no version to whoever asks
        "KONG_PROXY_ACCESS_LOG": "/dev/stdout",
        "KONG_PROXY_ERROR_LOG": "/dev/stderr",
        "KONG_STATUS_ACCESS_LOG": "off",
        "KONG_STATUS_ERROR_LOG": "/dev/stderr",
        # A worker a core that it may use; Kong would take every core of the node.
        "KONG_NGINX_WORKER_PROCESSES": str(max(1, ceil(parse(settings.resources.limits.cpu)))),
        "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE": f"{settings.max_body_mib}m",
        # Keycloak's answers carry more cookies than a buffer of 4 KiB holds.
        "KONG_NGINX_PROXY_PROXY_BUFFER_SIZE": "16k",
        "KONG_NGINX_PROXY_PROXY_BUFFERS": "8 16k",
    }
