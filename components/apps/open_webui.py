"""Open WebUI: the chat, for people who sign in with the realm."""

import shlex
from collections.abc import Mapping

from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import Resources
from components.apps.open_webui_media import pictures, speech
from components.auth.realm import ADMIN_ROLE, USER_ROLE
from components.common import network, probes, secrets
from components.common.args import Args
from components.common.component import TLS_PATH, Component, when_ready
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
from components.common.pod import Mount, container, pod, scratch, secret_files
from components.common.task import pods_of, run_once
from components.common.tier import Tier
from config.settings.apps import OpenWebUiSettings

CALLBACK = "/oauth/oidc/callback"
"""Path that the identity provider sends people back to."""

_CA = f"{TLS_PATH}/ca.crt"
_SECRETS = "/run/secrets/open-webui"
_START = f'set -eu; set -a; . {_SECRETS}/env; set +a; exec "$@"'
"""It reads secrets from its environment alone: they enter that of the process, not the pod's."""
_START_SECONDS = 300


class OpenWebUiArgs(Args):
    """An Open WebUI that keeps everything in other components."""

    tier: Tier
    settings: OpenWebUiSettings = Field(default_factory=OpenWebUiSettings)
    host: str
    """Public host, such as `ai.entreprise.fr`."""
    models: ApiAccess
    embedding_model: str
    """Served name of what turns documents into vectors."""
    reranker_model: str | None = None
    """Served name of what orders the passages found; without it their distance does."""
    transcription_model: str | None = None
    """Served name of what writes down what is said; without it nobody can dictate."""
    speech_model: str | None = None
    """Served name of what reads answers aloud; without it the browser's own voice does."""
    images: ImageAccess | None = None
    """What makes images; without it there are none."""
    oidc: OidcClient
    database: DatabaseAccess
    redis: RedisAccess
    vectors: VectorAccess
    documents: BucketAccess


class OpenWebUi(Component):
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
            scratch("tmp", "/tmp", "2Gi"),  # noqa: S108 - a path inside the container
        ]
        env = {
            **environment(args.settings, args.host),
            "OPENID_PROVIDER_URL": args.oidc.discovery_url,
            "OAUTH_CLIENT_ID": args.oidc.client_id,
            "OPENAI_API_BASE_URL": args.models.url,
            "RAG_OPENAI_API_BASE_URL": args.models.url,
            "RAG_EMBEDDING_MODEL": args.embedding_model,
            **_reranking(args),
            **speech(args.transcription_model, args.speech_model),
            **pictures(args.images),
            "QDRANT_URI": args.vectors.url,
            "S3_ENDPOINT_URL": args.documents.endpoint,
            "S3_BUCKET_NAME": args.documents.bucket,
        }
        migrated = self._migrate(
            env, [secret_files("secrets", env_file, _SECRETS), *writable], args
        )
        # Read through the migration, so that no replica meets tables of another version.
        current = Output.all(env_file, migrated).apply(lambda both: str(both[0]))
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
                *("--ssl-keyfile", f"{TLS_PATH}/tls.key", "--ssl-certfile", f"{TLS_PATH}/tls.crt"),
                *("--forwarded-allow-ips", "*"),  # the network lets in the gateway alone
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
            pod(
                [server],
                mounts,
                service_account=self._account,
                priority_class=args.tier.priority_class,
                grace_seconds=60,
                spread=self.pods.labels,
            ),
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
            network.connect(self, self.pods, server_pods, port)
        url = when_ready(workload, Output.format("https://{0}:{1}", self.host(), self.port))
        self.upstream = Upstream(url=url, server=self.pods, port=self.port)
        self.register_outputs({"url": url})

    def route(self, host: str) -> Route:
        """All of *host*; who is not signed in sees the way to the realm's sign-in page."""
        return Route(self.name, host, self.upstream)

    def _migrate(
        self, env: Mapping[str, str | Output[str]], mounts: list[Mount], args: OpenWebUiArgs
    ) -> Output[str]:
        """Bring the tables to the version of the image, once; replicas would race to do so."""
        step = "migrate"
        client = pods_of(self, step)
        network.connect(self, client, args.database.server, args.database.port)
        migrate = container(
            step,
            args.tier.image("open-webui"),
            Resources.of("500m", "1Gi", max_cpu="2", max_memory="2Gi"),
            command=["/bin/sh", "-c", _START, "start"],
            args=["python", "-c", "import open_webui.config"],
            env={**env, "ENABLE_DB_MIGRATIONS": "True"},
            mounts=mounts,
        )
        return run_once(self, step, migrate, mounts, service_account=self._account)


def environment(settings: OpenWebUiSettings, host: str) -> dict[str, str]:
    """What is neither secret nor known late; https://docs.openwebui.com/getting-started/env-configuration.

    Every name is read by Open WebUI 0.11.4.
    """
    url = f"https://{host}"
    return {
        # What the stack says wins over what somebody clicked.
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
        # Only the realm opens the door.
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
        "OAUTH_ALLOWED_ROLES": USER_ROLE,
        "OAUTH_ADMIN_ROLES": ADMIN_ROLE,
        "DEFAULT_USER_ROLE": settings.default_role,
        # Models through the router alone.
        "ENABLE_OPENAI_API": "True",
        "ENABLE_OLLAMA_API": "False",
        "ENABLE_DIRECT_CONNECTIONS": "False",
        "BYPASS_MODEL_ACCESS_CONTROL": "True",  # the router holds the list
        "DEFAULT_MODELS": settings.default_model,
        "RAG_EMBEDDING_ENGINE": "openai",
        "VECTOR_DB": "qdrant",
        "STORAGE_PROVIDER": "s3",
        "S3_REGION_NAME": "us-east-1",  # MinIO's default, which it requires to be named
        "S3_ADDRESSING_STYLE": "path",
        "WEBSOCKET_MANAGER": "redis",
        "REDIS_KEY_PREFIX": "open-webui",
        # Trust, for each of the libraries that it calls out with.
        "SSL_CERT_FILE": _CA,
        "REQUESTS_CA_BUNDLE": _CA,
        "AIOHTTP_CLIENT_SSL_CERT_FILE": _CA,
        "AWS_CA_BUNDLE": _CA,
        # It asks nothing of the internet.
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
        "rediss://:{0}@{1}:{2}/0?ssl_ca_certs={3}", redis.password, redis.host, redis.port, _CA
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
            _CA,
        ),
    ).apply(env_file)


def env_file(values: Mapping[str, str]) -> str:
    """*values* as a file that a POSIX shell sources."""
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items())
