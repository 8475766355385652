"""The router: one OpenAI-compatible address for every model, with an identity and limits a team."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Output, ResourceOptions
from pydantic import Field

from components.common import network, probes, scripts, secrets
from components.common.args import Args, Late
from components.common.component import TLS_PATH, Component, when_ready
from components.common.contracts import (
    ApiAccess,
    ModelEndpoint,
    RedisAccess,
    Route,
    ScrapeTarget,
    Upstream,
)
from components.common.pod import container, pod, scratch, secret_files
from components.common.tier import Tier
from components.models.router_config import ModelUpstream, RedisUpstream, identities, router_config
from config.settings.router import RouterSettings
from config.settings.teams import Team

PATHS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/rerank",
    "/v1/audio/transcriptions",
    "/v1/audio/speech",
    "/v1/models",
)
"""What is let in from outside; LiteLLM also answers administration, metrics and a web page."""

_CONFIG = "/etc/litellm"
_CA = f"{TLS_PATH}/ca.crt"
_START_SECONDS = 180
"""LiteLLM took 7 to 10 s to start on two idle cores."""
_DRAIN_SECONDS = 120


class LlmRouterArgs(Args):
    """A LiteLLM proxy."""

    tier: Tier
    settings: RouterSettings = Field(default_factory=RouterSettings)
    models: list[ModelEndpoint]
    """What it routes to."""
    teams: dict[str, Team]
    """Who may ask: each gets a key, and is what a person's group of the same name belongs to."""
    issuer: str
    """The `iss` of the realm's tokens."""
    public_key: Late[str]
    """The realm's public key, PEM."""
    redis: RedisAccess


class LlmRouter(Component):
    """Stateless replicas that check who asks, count tokens in Redis, and forward over TLS."""

    kind = "litellm"
    port = 4000

    url: Output[str]
    """`https://…/v1`, known once it answers."""
    upstream: Upstream
    team_keys: dict[str, Output[str]]
    """The API key of each team: secrets."""
    team_key_secrets: dict[str, Output[str]]
    """The name of the Secret that holds each team's key, for whoever hands it out."""
    metrics: ScrapeTarget

    def __init__(self, name: str, args: LlmRouterArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        members = f"{name}-members"
        self.team_keys = {
            team: Output.format("sk-{0}", secrets.password(self, f"team-{team}-api-key", 40))
            for team in args.teams
        }
        self.team_key_secrets = {
            team: secrets.files(
                self,
                f"team-{team}-api-key",
                args.tier.namespace,
                self.labels,
                {"api-key": key},
            )
            for team, key in self.team_keys.items()
        }
        mounts = [
            secret_files("config", self._files(args), _CONFIG),
            self.certificate(name, members),
            scratch("home", "/home/litellm", "1Gi"),
            scratch("tmp", "/tmp", "1Gi"),  # noqa: S108 - a path inside the container
        ]
        alive = probes.https("/health/liveliness", self.port, failures=6)
        server = container(
            "litellm",
            args.tier.image("litellm"),
            args.settings.resources,
            command=["litellm"],
            args=[
                *("--config", f"{_CONFIG}/config.yaml"),
                *("--host", "0.0.0.0", "--port", str(self.port)),  # noqa: S104 - the pod's own
                *("--ssl_keyfile_path", f"{TLS_PATH}/tls.key"),
                *("--ssl_certfile_path", f"{TLS_PATH}/tls.crt"),
            ],
            env=_ENVIRONMENT,
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/health/readiness", self.port),
            liveness=alive,
            startup=probes.startup(alive, _START_SECONDS),
        )
        self.service({"https": self.port}, name=members, headless=True)
        self.service({"https": self.port})
        workload = self.deployment(
            pod(
                [server],
                mounts,
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                grace_seconds=_DRAIN_SECONDS,
                spread=self.pods.labels,
            ),
            args.settings.replicas,
        )
        # A model and its adapters are the same servers.
        for model in {model.server.name: model for model in args.models}.values():
            network.connect(self, self.pods, model.server, model.port)
        network.connect(self, self.pods, args.redis.server, args.redis.port)
        base = when_ready(workload, Output.format("https://{0}:{1}", self.host(), self.port))
        self.url = Output.format("{0}/v1", base)
        self.upstream = Upstream(url=base, server=self.pods, port=self.port)
        self.metrics = ScrapeTarget(
            job="litellm",
            server=self.pods,
            host=self.host(members),
            server_name=self.host(),
            port=self.port,
            path="/metrics/",  # without the slash it redirects
        )
        self.register_outputs({"url": self.url})

    def access(self, team: str) -> ApiAccess:
        """The models, in the name of *team*."""
        return ApiAccess(self.url, self.team_keys[team], self.pods, self.port)

    def route(self, host: str) -> Route:
        """OpenAI's API on *host*, for whoever has a token of the realm or a team's key."""
        return Route(self.name, host, self.upstream, paths=PATHS, authenticated=True)

    def _files(self, args: LlmRouterArgs) -> Output[str]:
        """All that LiteLLM reads, in one directory, since it looks for the script beside it."""
        # LiteLLM refuses a master key that does not begin so.
        master = Output.format("sk-{0}", secrets.password(self, f"{self.name}-master-key", 40))
        upstreams = [
            Output.all(url=model.url, api_key=model.api_key).apply(_Upstream(model))
            for model in args.models
        ]
        redis = Output.all(host=args.redis.host, password=args.redis.password).apply(
            lambda late: RedisUpstream(late["host"], args.redis.port, late["password"])
        )
        configuration = Output.all(*upstreams, redis, master).apply(
            # JSON is YAML
            lambda late: json.dumps(
                router_config(args.settings, late[:-2], late[-2], master_key=late[-1], ca_file=_CA),
                indent=2,
            )
        )
        known = Output.all(**self.team_keys).apply(
            lambda keys: json.dumps(
                identities(args.teams, keys, issuer=args.issuer, audience=args.settings.audience),
                indent=2,
            )
        )
        return secrets.files(
            self,
            self.name,
            args.tier.namespace,
            self.labels,
            {
                "config.yaml": configuration,
                "identities.json": known,
                "realm.pem": args.public_key,
                "router_auth.py": scripts.source("components.models", "router_auth.py"),
            },
        )


@dataclass(frozen=True)
class _Upstream:
    """*model* with what flowed in for it."""

    model: ModelEndpoint

    def __call__(self, late: Mapping[str, str]) -> ModelUpstream:
        return ModelUpstream(
            name=self.model.name,
            task=self.model.task,
            url=late["url"],
            api_key=late["api_key"],
            context_tokens=self.model.context_tokens,
            dialect=self.model.dialect,
            known_as=self.model.known_as,
        )


_ENVIRONMENT = {
    "HOME": "/home/litellm",
    "SSL_CERT_FILE": _CA,
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it downloads one at the start
    "LITELLM_LOG": "INFO",
    "JSON_LOGS": "True",
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "PYTHONDONTWRITEBYTECODE": "1",
}
