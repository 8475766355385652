"""The router: one OpenAI-compatible API for all models, with authentication and limits per team."""

from pulumi import Output, ResourceOptions
from pydantic import Field

from components.common import probes, scripts, secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Server
from components.common.contracts import (
    ApiAccess,
    ModelEndpoint,
    RedisAccess,
    Route,
    ScrapeTarget,
    Upstream,
    resolved,
)
from components.common.json_text import secret_json
from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE
from components.common.pod import container, scratch, secret_files, tmp
from components.common.tier import Tier
from components.models.router_config import identities, router_config
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
"""Public paths; LiteLLM also serves administration, metrics and a web UI."""

_CONFIG = "/etc/litellm"
_START_SECONDS = 180
"""LiteLLM took 7 to 10 s to start on two idle cores."""
_DRAIN_SECONDS = 120


class LlmRouterArgs(Args):
    """A LiteLLM proxy."""

    tier: Tier
    settings: RouterSettings = Field(default_factory=RouterSettings)
    models: list[ModelEndpoint[Output[str]]]
    """Models to route to."""
    teams: dict[str, Team]
    """Teams by name: each gets an API key; members of the realm group of that name belong to it."""
    issuer: str
    """The `iss` claim of the realm's tokens."""
    public_key: MaybeOutput[str]
    """Public key of the realm, PEM."""
    redis: RedisAccess[Output[str]]
    """Shares rate-limit counters between replicas."""


class LlmRouter(Server):
    """Stateless replicas that authenticate, count tokens in Redis, and forward over TLS."""

    kind = "litellm"
    port = 4000

    url: Output[str]
    """`https://…/v1`, known once the router is ready."""
    upstream: Upstream
    team_keys: dict[str, Output[str]]
    """API key of each team: secrets."""
    team_key_secrets: dict[str, Output[str]]
    """Name of the Secret with the API key of each team, for distribution."""
    metrics: ScrapeTarget

    def __init__(self, name: str, args: LlmRouterArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
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
            self.certificate(name, self.members),
            scratch("home", "/home/litellm", "1Gi"),
            tmp("1Gi"),
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
                *("--ssl_keyfile_path", KEY_FILE),
                *("--ssl_certfile_path", CERT_FILE),
            ],
            env=ENVIRONMENT,
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/health/readiness", self.port),
            liveness=alive,
            startup=probes.startup(alive, _START_SECONDS),
        )
        self.service({"https": self.port}, name=self.members, headless=True)
        self.service({"https": self.port})
        workload = self.deployment(
            self.pod([server], mounts, grace_seconds=_DRAIN_SECONDS, spread=True),
            args.settings.replicas,
        )
        # A model and its adapters share their servers.
        for model in {model.server.name: model for model in args.models}.values():
            self.tier.firewall.connect(self.pods, model.server, model.port)
        self.tier.firewall.connect(self.pods, args.redis.server, args.redis.port)
        self.upstream = self.upstream_after(workload.metadata.name)
        self.url = Output.format("{0}/v1", self.upstream.url)
        self.metrics = self.scrape_target(
            self.port,
            path="/metrics/",  # without the slash it redirects
        )
        self.register_outputs({"url": self.url})

    def access(self, team: str) -> ApiAccess:
        """Access to the models with the API key of *team*."""
        return ApiAccess(self.url, self.team_keys[team], self.pods, self.port)

    def route(self, host: str) -> Route:
        """The OpenAI-compatible API on *host*, for access tokens of the realm and API keys."""
        return Route(self.name, host, self.upstream, paths=PATHS, authenticated=True)

    def _files(self, args: LlmRouterArgs) -> Output[str]:
        """Configuration of LiteLLM in one directory, where it looks for the script too."""
        # LiteLLM requires this prefix.
        master = Output.format("sk-{0}", secrets.password(self, f"{self.name}-master-key", 40))
        configuration = Output.all(
            models=[resolved(model) for model in args.models],
            redis=resolved(args.redis),
            master_key=master,
        ).apply(
            # JSON is YAML
            lambda known: secret_json(
                router_config(args.settings, **known, ca_file=CA_FILE),
            )
        )
        identified = Output.all(**self.team_keys).apply(
            lambda keys: secret_json(
                identities(args.teams, keys, issuer=args.issuer, audience=args.settings.audience),
            )
        )
        return secrets.files(
            self,
            self.name,
            args.tier.namespace,
            self.labels,
            {
                "config.yaml": configuration,
                "identities.json": identified,
                "realm.pem": args.public_key,
                "router_auth.py": scripts.source("components.models", "router_auth.py"),
            },
        )


ENVIRONMENT = {
    "HOME": "/home/litellm",
    "SSL_CERT_FILE": CA_FILE,
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it downloads one at startup
    "LITELLM_LOG": "INFO",
    "JSON_LOGS": "True",
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "PYTHONDONTWRITEBYTECODE": "1",
}
