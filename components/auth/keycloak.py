"""Keycloak: the identity provider of people and service accounts."""

from collections.abc import Mapping
from dataclasses import replace

import pulumi_tls as tls
from pulumi import Output, ResourceOptions
from pydantic import Field

from catalog.images import image_user
from components.auth.realm import (
    ADMIN_ROLE,
    FIRST_ADMINISTRATOR,
    USER_ROLE,
    Client,
    issuer,
    realm,
)
from components.common import probes, secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Server
from components.common.contracts import (
    DatabaseAccess,
    OidcClient,
    Route,
    ScrapeTarget,
    Upstream,
    resolved,
)
from components.common.json_text import secret_json
from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE
from components.common.pod import Mount, container, scratch, secret_files, tmp
from components.common.tier import Tier
from config import footprints
from config.settings.identity import KeycloakSettings

_MANAGEMENT = 9000
"""Health and metrics."""
_START_SECONDS = 300
"""The first start builds the image and creates the schema: 12 to 30 s on two busy cores."""
_CLUSTER = (7800, 57800)
"""JGroups: messages, and failure detection (the first plus 50000)."""
_BUILT = "/opt/keycloak/lib/quarkus"
"""Startup writes its optimized build here; the rest of the image stays read-only."""
_COPY = "/built"
_COUNTED_EVENTS = (
    "login",
    "logout",
    "code_to_token",
    "refresh_token",
    "client_login",
    "user_disabled_by_temporary_lockout",
)
"""What happens at a sign-in; each event and error is a series."""
_ADMIN_CONSOLE = "https://localhost:8443"
"""The gateway blocks the console; `kubectl port-forward` serves it at this address."""


class KeycloakArgs(Args):
    """A Keycloak with one realm besides `master`."""

    tier: Tier
    settings: KeycloakSettings = Field(default_factory=KeycloakSettings)
    database: DatabaseAccess[Output[str]]
    hostname: str
    """Public host, such as `auth.entreprise.fr`."""
    clients: list[Client]
    """Applications and service accounts."""
    teams: list[str]
    """Groups of the realm."""
    audience: str
    """The `aud` claim of access tokens for the API."""


class Keycloak(Server):
    """Replicas that share sessions, a realm imported at the first start, and its signing key."""

    kind = "keycloak"
    port = 8443

    issuer: str
    """The `iss` claim of its tokens."""
    public_key: Output[str]
    """PEM that verifies its tokens."""
    upstream: Upstream
    metrics: ScrapeTarget
    admin_secret: Output[str]
    """`namespace/name` of the Secret with `username` and `password` of the first administrator.

    They are valid in the realm, where the first sign-in requires a new password, and in `master`,
    which is reachable from inside the cluster only.
    """

    def __init__(self, name: str, args: KeycloakArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        self._realm = args.settings.realm
        self.issuer = issuer(args.hostname, args.settings)
        signing = tls.PrivateKey(
            f"{name}-realm-key", algorithm="RSA", rsa_bits=2048, opts=self.stateful_opts
        )
        self.public_key = signing.public_key_pem
        self._secrets = {
            client.client_id: secrets.password(self, f"{name}-client-{client.client_id}")
            for client in args.clients
        }
        password = secrets.password(self, f"{name}-admin")
        first = self._secret("admin", {"username": FIRST_ADMINISTRATOR, "password": password})
        self.admin_secret = Output.format("{0}/{1}", args.tier.namespace, first)
        built = scratch("built", _BUILT)
        mounts = [
            self._files(
                "config", "keycloak.conf", self._configuration(args, password), "/etc/keycloak"
            ),
            self.certificate(name, self.members),
            scratch("data", "/opt/keycloak/data", "1Gi"),
            self._files(
                "realm",
                "realm.json",
                self._realm_file(args, signing, password),
                "/opt/keycloak/data/import",
            ),
            built,
            tmp(),
        ]
        live = probes.https("/health/live", _MANAGEMENT)
        server = container(
            "keycloak",
            args.tier.image("keycloak"),
            args.settings.resources,
            args=["--config-file=/etc/keycloak/keycloak.conf", "start", "--import-realm"],
            ports={"https": self.port, "management": _MANAGEMENT, "jgroups": _CLUSTER[0]},
            mounts=mounts,
            readiness=probes.https("/health/ready", _MANAGEMENT),
            liveness=live,
            startup=probes.startup(probes.https("/health/started", _MANAGEMENT), _START_SECONDS),
            pre_stop_seconds=10,
        )
        unpack = container(
            "unpack",
            args.tier.image("keycloak"),
            footprints.KEYCLOAK_UNPACK,
            command=["/bin/sh", "-c", f"cp -r {_BUILT}/. {_COPY}/"],
            mounts=[replace(built, path=_COPY)],
        )
        self.service({"https": self.port})
        self.service({"management": _MANAGEMENT}, name=self.members, headless=True)
        self.tier.firewall.connect(self.pods, self.pods, *_CLUSTER)
        self.tier.firewall.connect(self.pods, args.database.server, args.database.port)
        workload = self.deployment(
            self.pod(
                [server],
                mounts,
                init=[unpack],
                user=image_user("keycloak"),
                grace_seconds=60,
                spread=True,
            ),
            args.settings.replicas,
        )
        self.upstream = self.upstream_after(workload.metadata.name)
        self.metrics = self.scrape_target(_MANAGEMENT)
        self.register_outputs({"issuer": self.issuer, "publicKey": self.public_key})

    def client(self, client_id: str) -> OidcClient:
        """The application *client_id* of the realm; KeyError if there is none."""
        return OidcClient(
            client_id=client_id,
            client_secret=self._secrets[client_id],
            issuer=self.issuer,
            discovery_url=Output.format(
                "{0}/realms/{1}/.well-known/openid-configuration", self.upstream.url, self._realm
            ),
            server=self.pods,
            port=self.port,
            user_role=USER_ROLE,
            admin_role=ADMIN_ROLE,
        )

    def route(self, host: str) -> Route:
        """The sign-in pages of the realm on *host*, and nothing else of Keycloak.

        An allowlist, since Keycloak interprets paths more liberally (`;matrix` parameters) than a
        denylist could cover; `blocked` only makes the answer explicit.
        """
        return Route(
            name=self.name,
            host=host,
            upstream=self.upstream,
            paths=(f"/realms/{self._realm}/", "/resources/"),
            blocked=("/admin", "/realms/master"),
        )

    def _configuration(self, args: KeycloakArgs, password: Output[str]) -> Output[str]:
        return Output.all(database=resolved(args.database), admin_password=password).apply(
            lambda known: keycloak_conf(args.settings, hostname=args.hostname, **known)
        )

    def _realm_file(
        self, args: KeycloakArgs, signing: tls.PrivateKey, password: Output[str]
    ) -> Output[str]:
        return Output.all(
            secrets=self._secrets, key=signing.private_key_pem, password=password
        ).apply(
            lambda known: secret_json(
                realm(
                    args.settings,
                    clients=args.clients,
                    client_secrets=known["secrets"],
                    teams=args.teams,
                    audience=args.audience,
                    private_key=known["key"],
                    admin_password=known["password"],
                ),
            )
        )

    def _secret(self, what: str, content: Mapping[str, MaybeOutput[str]]) -> Output[str]:
        return secrets.files(self, f"{self.name}-{what}", self.tier.namespace, self.labels, content)

    def _files(self, what: str, file: str, content: Output[str], path: str) -> Mount:
        return secret_files(what, self._secret(what, {file: content}), path)


def keycloak_conf(
    settings: KeycloakSettings,
    *,
    hostname: str,
    database: DatabaseAccess[str],
    admin_password: str,
) -> str:
    """The `keycloak.conf`; https://www.keycloak.org/server/all-config."""
    options = {
        "db": "postgres",
        "db-url-host": database.host,
        "db-url-port": database.port,
        "db-url-database": database.database,
        "db-username": database.user,
        "db-password": database.password,
        "db-tls-mode": "verify-server",
        "db-tls-trust-store-file": CA_FILE,
        "hostname": f"https://{hostname}",
        "hostname-admin": _ADMIN_CONSOLE,
        # Applications request tokens inside the cluster; the issuer stays the public URL.
        "hostname-backchannel-dynamic": "true",
        "proxy-headers": "xforwarded",
        "http-enabled": "false",
        "https-port": Keycloak.port,
        "https-certificate-file": CERT_FILE,
        "https-certificate-key-file": KEY_FILE,
        "http-management-port": _MANAGEMENT,
        "health-enabled": "true",
        "metrics-enabled": "true",
        # By realm, event and error: the default tags, which name no person and no client.
        "event-metrics-user-enabled": "true",
        "event-metrics-user-events": ",".join(_COUNTED_EVENTS),
        "cache": "ispn" if settings.replicas > 1 else "local",
        "bootstrap-admin-username": FIRST_ADMINISTRATOR,
        "bootstrap-admin-password": admin_password,
        "log-console-output": "json",
    }
    return "".join(f"{option}={value}\n" for option, value in options.items())
