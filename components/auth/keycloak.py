"""Keycloak: who people are, and the key that everything else recognises them by."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pulumi_tls as tls
from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import Resources
from components.auth.realm import FIRST_ADMINISTRATOR, Client, issuer, realm
from components.common import network, probes, secrets
from components.common.args import Args, Late
from components.common.component import TLS_PATH, Component, when_ready
from components.common.contracts import DatabaseAccess, OidcClient, Route, ScrapeTarget, Upstream
from components.common.pod import Mount, container, pod, scratch, secret_files
from components.common.tier import Tier
from config.settings.identity import KeycloakSettings

_USER = 1000
"""The user `keycloak` of the image."""
_MANAGEMENT = 9000
"""Health and metrics."""
_START_SECONDS = 300
"""A first start builds and fills the database: 12 to 30 s on two busy cores."""
_CLUSTER = (7800, 57800)
"""JGroups: messages, and the watch over who still lives (the first plus 50000)."""
_BUILT = "/opt/keycloak/lib/quarkus"
"""Where a start writes what it builds for its options; the rest of the image stays read-only."""
_COPY = "/built"
_ADMIN_CONSOLE = "https://localhost:8443"
"""The gateway lets nobody to the console: it is for `kubectl port-forward`, which ends here."""


class KeycloakArgs(Args):
    """A Keycloak with one realm besides its own."""

    tier: Tier
    settings: KeycloakSettings = Field(default_factory=KeycloakSettings)
    database: DatabaseAccess
    hostname: str
    """Public host, such as `auth.entreprise.fr`."""
    clients: list[Client]
    """The applications that sign people in with it."""
    teams: list[str]
    """A group each."""
    audience: str
    """The `aud` of tokens that are meant for the API."""


class Keycloak(Component):
    """Replicas that share sessions, a realm imported at the first start, and its signing key."""

    kind = "keycloak"
    port = 8443

    issuer: str
    """The `iss` of its tokens."""
    public_key: Output[str]
    """PEM that its tokens verify with."""
    upstream: Upstream
    metrics: ScrapeTarget
    admin_secret: Output[str]
    """`namespace/name` of the Secret with `username` and `password` of the first administrator.

    They open the realm, where a new password must be chosen at the first sign-in, and `master`,
    which is reached from inside the cluster only.
    """

    def __init__(self, name: str, args: KeycloakArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        self._realm = args.settings.realm
        members = f"{name}-members"
        self.issuer = issuer(args.hostname, args.settings)
        signing = tls.PrivateKey(
            f"{name}-realm-key", algorithm="RSA", rsa_bits=2048, opts=self.stateful
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
            self.certificate(name, members),
            scratch("data", "/opt/keycloak/data", "1Gi"),
            self._files(
                "realm",
                "realm.json",
                self._realm_file(args, signing, password),
                "/opt/keycloak/data/import",
            ),
            built,
            scratch("tmp", "/tmp"),  # noqa: S108 - a path inside the container
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
            Resources.fixed("100m", "128Mi", "64Mi"),
            command=["/bin/sh", "-c", f"cp -r {_BUILT}/. {_COPY}/"],
            mounts=[replace(built, path=_COPY)],
        )
        self.service({"https": self.port})
        self.service({"management": _MANAGEMENT}, name=members, headless=True)
        network.connect(self, self.pods, self.pods, *_CLUSTER)
        network.connect(self, self.pods, args.database.server, args.database.port)
        workload = self.deployment(
            pod(
                [server],
                mounts,
                init=[unpack],
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                user=_USER,
                grace_seconds=60,
                spread=self.pods.labels,
            ),
            args.settings.replicas,
        )
        url = when_ready(workload, Output.format("https://{0}:{1}", self.host(), self.port))
        self.upstream = Upstream(url=url, server=self.pods, port=self.port)
        self.metrics = ScrapeTarget(
            job="keycloak",
            server=self.pods,
            host=self.host(members),
            server_name=self.host(),
            port=_MANAGEMENT,
        )
        self.register_outputs({"issuer": self.issuer, "publicKey": self.public_key})

    def client(self, client_id: str) -> OidcClient:
        """What the application *client_id* signs people in with; KeyError if it is not one."""
        return OidcClient(
            client_id=client_id,
            client_secret=self._secrets[client_id],
            issuer=self.issuer,
            discovery_url=Output.format(
                "{0}/realms/{1}/.well-known/openid-configuration", self.upstream.url, self._realm
            ),
            server=self.pods,
            port=self.port,
        )

    def route(self, host: str) -> Route:
        """*host* leads to the sign-in pages of the realm, and to nothing else of Keycloak.

        A list of what may pass, since Keycloak reads paths more liberally (`;matrix` parameters)
        than a list of what may not could foresee; what is `blocked` is so to say it clearly.
        """
        return Route(
            name=self.name,
            host=host,
            upstream=self.upstream,
            paths=(f"/realms/{self._realm}/", "/resources/"),
            blocked=("/admin", "/realms/master"),
        )

    def _configuration(self, args: KeycloakArgs, password: Output[str]) -> Output[str]:
        database = args.database
        return Output.all(database.host, database.password, password).apply(
            lambda late: keycloak_conf(
                args.settings,
                hostname=args.hostname,
                database=database,
                database_host=late[0],
                database_password=late[1],
                admin_password=late[2],
            )
        )

    def _realm_file(
        self, args: KeycloakArgs, signing: tls.PrivateKey, password: Output[str]
    ) -> Output[str]:
        return Output.all(
            secrets=self._secrets, key=signing.private_key_pem, password=password
        ).apply(
            lambda late: json.dumps(
                realm(
                    args.settings,
                    clients=args.clients,
                    client_secrets=late["secrets"],
                    teams=args.teams,
                    audience=args.audience,
                    private_key=late["key"],
                    admin_password=late["password"],
                ),
                indent=2,
            )
        )

    def _secret(self, what: str, content: Mapping[str, Late[str]]) -> Output[str]:
        return secrets.files(self, f"{self.name}-{what}", self.tier.namespace, self.labels, content)

    def _files(self, what: str, file: str, content: Output[str], path: str) -> Mount:
        return secret_files(what, self._secret(what, {file: content}), path)


def keycloak_conf(
    settings: KeycloakSettings,
    *,
    hostname: str,
    database: DatabaseAccess,
    database_host: str,
    database_password: str,
    admin_password: str,
) -> str:
    """The whole `keycloak.conf`; https://www.keycloak.org/server/all-config."""
    options = {
        "db": "postgres",
        "db-url-host": database_host,
        "db-url-port": database.port,
        "db-url-database": database.database,
        "db-username": database.user,
        "db-password": database_password,
        "db-tls-mode": "verify-server",
        "db-tls-trust-store-file": f"{TLS_PATH}/ca.crt",
        "hostname": f"https://{hostname}",
        "hostname-admin": _ADMIN_CONSOLE,
        # Applications ask for tokens inside the cluster; the issuer stays the public one.
        "hostname-backchannel-dynamic": "true",
        "proxy-headers": "xforwarded",
        "http-enabled": "false",
        "https-port": Keycloak.port,
        "https-certificate-file": f"{TLS_PATH}/tls.crt",
        "https-certificate-key-file": f"{TLS_PATH}/tls.key",
        "http-management-port": _MANAGEMENT,
        "health-enabled": "true",
        "metrics-enabled": "true",
        "cache": "ispn" if settings.replicas > 1 else "local",
        "bootstrap-admin-username": FIRST_ADMINISTRATOR,
        "bootstrap-admin-password": admin_password,
        "log-console-output": "json",
    }
    return "".join(f"{option}={value}\n" for option, value in options.items())
