"""Open WebUI: the chat application, with sign-in by the realm."""

import shlex
from collections.abc import Mapping

from pulumi import Output, ResourceOptions
from pydantic import Field

from components.apps.open_webui_media import image_generation, speech
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Server, after
from components.common.contracts import (
    ApiAccess,
    BucketAccess,
    DatabaseAccess,
    ImageAccess,
    OidcClient,
    RedisAccess,
    Route,
    Upstream,
    VectorAccess,
)
from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE
from components.common.pod import Mount, container, scratch, secret_files, tmp
from components.common.task import pods_of, run_once
from components.common.tier import Tier
from config import footprints
from config.settings.apps import OpenWebUiSettings

CALLBACK = "/oauth/oidc/callback"
"""OIDC redirect path."""

_SECRETS = "/run/secrets/open-webui"
_START = f'set -eu; set -a; . {_SECRETS}/env; set +a; exec "$@"'
"""It reads secrets only from the environment: that of the process, not of the pod spec."""
_START_SECONDS = 300


class OpenWebUiArgs(Args):
    """An Open WebUI with all its state in other components."""

    tier: Tier
    settings: OpenWebUiSettings = Field(default_factory=OpenWebUiSettings)
    host: str
    """Public host, such as `ai.entreprise.fr`."""
    models: ApiAccess
    embedding_model: str
    """Served name of the embedding model."""
    reranker_model: str | None = None
    """Served name of the reranker; None: passages are ranked by distance."""
    transcription_model: str | None = None
    """Served name of the speech-to-text model; None: no dictation."""
    speech_model: str | None = None
    """Served name of the text-to-speech model; None: the browser's own voice."""
    images: ImageAccess | None = None
    """Image generation; None: disabled."""
    oidc: OidcClient
    database: DatabaseAccess[Output[str]]
    redis: RedisAccess[Output[str]]
    vectors: VectorAccess
    documents: BucketAccess[Output[str]]


class OpenWebUi(Server):
    """Stateless replicas: chats in PostgreSQL, documents in a bucket, vectors in Qdrant."""

    kind = "open-webui"
    port = 8080

    upstream: Upstream

    def __init__(self, name: str, args: OpenWebUiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        env_file = secrets.files(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {"env": _secret_environment(self, name, args)},
        )
        self._account = self.service_account()
        writable = [
            self.certificate(),
            scratch("data", "/data", "2Gi"),
            tmp("2Gi"),
        ]
        env = {
            **environment(args.settings, args.host, args.oidc),
            "OPENID_PROVIDER_URL": args.oidc.discovery_url,
            "OAUTH_CLIENT_ID": args.oidc.client_id,
            "OPENAI_API_BASE_URL": args.models.url,
            "RAG_OPENAI_API_BASE_URL": args.models.url,
            "RAG_EMBEDDING_MODEL": args.embedding_model,
            **_reranking(args),
            **speech(args.transcription_model, args.speech_model),
            **image_generation(args.images),
            "QDRANT_URI": args.vectors.url,
            "S3_ENDPOINT_URL": args.documents.endpoint,
            "S3_BUCKET_NAME": args.documents.bucket,
        }
        migrated = self._migrate(
            env, [secret_files("secrets", env_file, _SECRETS), *writable], args
        )
        # Known after the migration, so that no replica starts on an older schema.
        current = after(env_file, migrated)
        mounts = [secret_files("secrets", current, _SECRETS), *writable]
        alive = probes.https("/health", self.port, failures=6)
        server = container(
            "open-webui",
            args.tier.image("open-webui"),
            args.settings.resources,
            command=["/bin/sh", "-c", _START, "start"],
            args=[
                *("python", "-m", "uvicorn", "open_webui.main:app"),
                *("--host", "0.0.0.0", "--port", str(self.port)),  # noqa: S104 - the pod's own
                *("--ssl-keyfile", KEY_FILE, "--ssl-certfile", CERT_FILE),
                *("--forwarded-allow-ips", "*"),  # the network admits the gateway only
            ],
            env=env,
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/health", self.port),
            liveness=alive,
            startup=probes.startup(alive, _START_SECONDS),
        )
        self.service({"https": self.port})
        workload = self.deployment(
            self.pod([server], mounts, account=self._account, grace_seconds=60, spread=True),
            args.settings.replicas,
        )
        for server_pods, port in (
            *([(args.images.server, args.images.port)] if args.images else []),
            (args.models.server, args.models.port),
            (args.oidc.server, args.oidc.port),
            (args.database.server, args.database.port),
            (args.redis.server, args.redis.port),
            (args.vectors.server, args.vectors.port),
            (args.documents.server, args.documents.port),
        ):
            self.tier.firewall.connect(self.pods, server_pods, port)
        self.upstream = self.upstream_after(workload.metadata.name)
        self.register_outputs({"url": self.upstream.url})

    def route(self, host: str) -> Route:
        """All of *host*; unauthenticated users are redirected to the sign-in page."""
        return Route(self.name, host, self.upstream)

    def _migrate(
        self, env: Mapping[str, str | Output[str]], mounts: list[Mount], args: OpenWebUiArgs
    ) -> Output[str]:
        """Migrate the database schema in a Job, since replicas would race to do so."""
        step = "migrate"
        client = pods_of(self, step)
        self.tier.firewall.connect(client, args.database.server, args.database.port)
        migrate = container(
            step,
            args.tier.image("open-webui"),
            footprints.MIGRATION,
            command=["/bin/sh", "-c", _START, "start"],
            args=["python", "-c", "import open_webui.config"],
            env={**env, "ENABLE_DB_MIGRATIONS": "True"},
            mounts=mounts,
        )
        return run_once(self, step, migrate, mounts, service_account=self._account)


def environment(settings: OpenWebUiSettings, host: str, oidc: OidcClient) -> dict[str, str]:
    """Plain settings; https://docs.openwebui.com/getting-started/env-configuration.

    Every name is read by Open WebUI 0.11.4.
    """
    url = f"https://{host}"
    return {
        # The stack's settings override those made in the UI.
        "ENABLE_PERSISTENT_CONFIG": "False",
        "ENABLE_DB_MIGRATIONS": "False",
        "WEBUI_NAME": settings.name,
        "WEBUI_URL": url,
        "CORS_ALLOW_ORIGIN": url,
        "WEBUI_SESSION_COOKIE_SECURE": "True",
        "WEBUI_AUTH_COOKIE_SECURE": "True",
        "DATA_DIR": "/data",
        "STATIC_DIR": "/data/static",
        "HOME": "/data",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Sign-in by the realm only.
        "ENABLE_SIGNUP": "False",
        "ENABLE_LOGIN_FORM": "False",
        "ENABLE_PASSWORD_AUTH": "False",
        "ENABLE_OAUTH_SIGNUP": "True",
        "OAUTH_PROVIDER_NAME": "Keycloak",
        "OAUTH_SCOPES": "openid email profile",
        "OAUTH_CODE_CHALLENGE_METHOD": "S256",
        "OPENID_REDIRECT_URI": f"{url}{CALLBACK}",
        "ENABLE_OAUTH_ROLE_MANAGEMENT": "True",
        "OAUTH_ROLES_CLAIM": "roles",
        "OAUTH_ALLOWED_ROLES": oidc.user_role,
        "OAUTH_ADMIN_ROLES": oidc.admin_role,
        "DEFAULT_USER_ROLE": settings.default_role,
        # Models through the router only.
        "ENABLE_OPENAI_API": "True",
        "ENABLE_OLLAMA_API": "False",
        "ENABLE_DIRECT_CONNECTIONS": "False",
        "BYPASS_MODEL_ACCESS_CONTROL": "True",  # the router enforces the model list
        "DEFAULT_MODELS": settings.default_model,
        "RAG_EMBEDDING_ENGINE": "openai",
        "VECTOR_DB": "qdrant",
        "STORAGE_PROVIDER": "s3",
        "STORAGE_LOCAL_CACHE": "False",  # or each upload stays on the pod's disk
        "S3_REGION_NAME": "us-east-1",  # MinIO's default; a value is required
        "S3_ADDRESSING_STYLE": "path",
        "WEBSOCKET_MANAGER": "redis",
        "REDIS_KEY_PREFIX": "open-webui",
        # CA for each of its HTTP client libraries.
        "SSL_CERT_FILE": CA_FILE,
        "REQUESTS_CA_BUNDLE": CA_FILE,
        "AIOHTTP_CLIENT_SSL_CERT_FILE": CA_FILE,
        "AWS_CA_BUNDLE": CA_FILE,
        # No requests to the internet.
        "OFFLINE_MODE": "True",
        "ENABLE_VERSION_UPDATE_CHECK": "False",
        "ENABLE_COMMUNITY_SHARING": "False",
        "ENABLE_WEB_SEARCH": "False",
        "ENABLE_PIP_INSTALL_FRONTMATTER_REQUIREMENTS": "False",
        "RAG_EMBEDDING_MODEL_AUTO_UPDATE": "False",
        "RAG_RERANKING_MODEL_AUTO_UPDATE": "False",
        "WHISPER_MODEL_AUTO_UPDATE": "False",
        "DO_NOT_TRACK": "True",
        "ANONYMIZED_TELEMETRY": "False",
        "SCARF_NO_ANALYTICS": "True",
        "LOG_FORMAT": "json",
        "GLOBAL_LOG_LEVEL": "INFO",
    }


def _reranking(args: OpenWebUiArgs) -> dict[str, str | Output[str]]:
    if args.reranker_model is None:
        return {}
    return {
        "ENABLE_RAG_HYBRID_SEARCH": "True",
        "RAG_RERANKING_ENGINE": "external",
        "RAG_RERANKING_MODEL": args.reranker_model,
        "RAG_EXTERNAL_RERANKER_URL": Output.format("{0}/rerank", args.models.url),
    }


def _secret_environment(owner: OpenWebUi, name: str, args: OpenWebUiArgs) -> Output[str]:
    database, redis = args.database, args.redis
    redis_url = Output.format(
        "rediss://:{0}@{1}:{2}/0?ssl_ca_certs={3}", redis.password, redis.host, redis.port, CA_FILE
    )
    return Output.all(
        WEBUI_SECRET_KEY=secrets.password(owner, f"{name}-session-key", 64),
        OAUTH_CLIENT_SECRET=args.oidc.client_secret,
        OPENAI_API_KEY=args.models.api_key,
        RAG_OPENAI_API_KEY=args.models.api_key,
        RAG_EXTERNAL_RERANKER_API_KEY=args.models.api_key,
        **({"COMFYUI_API_KEY": args.images.api_key} if args.images else {}),
        QDRANT_API_KEY=args.vectors.api_key,
        S3_ACCESS_KEY_ID=args.documents.access_key,
        S3_SECRET_ACCESS_KEY=args.documents.secret_key,
        REDIS_URL=redis_url,
        WEBSOCKET_REDIS_URL=redis_url,
        DATABASE_URL=Output.format(
            "postgresql://{0}:{1}@{2}:{3}/{4}?sslmode=verify-full&sslrootcert={5}",
            database.user,
            database.password,
            database.host,
            database.port,
            database.database,
            CA_FILE,
        ),
    ).apply(env_file)


def env_file(values: Mapping[str, str]) -> str:
    """*values* as a file for `.` of a POSIX shell."""
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items())
