"""Redis: rate-limit counters shared between replicas, and sessions."""

from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import parse
from catalog.images import image_user
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Server, after
from components.common.contracts import RedisAccess
from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE
from components.common.pod import container, secret_files, template_disk, tmp
from components.common.tier import Tier
from config.settings.data import RedisSettings


class RedisArgs(Args):
    """A Redis that accepts TLS connections only."""

    tier: Tier
    settings: RedisSettings = Field(default_factory=RedisSettings)


class Redis(Server):
    """A single Redis with an append-only file; its clients fail closed while it restarts."""

    kind = "redis"
    port = 6379

    access: RedisAccess[Output[str]]
    """For clients; the host is known once Redis is ready."""

    def __init__(self, name: str, args: RedisArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        password = secrets.password(self, f"{name}-password")
        configuration = secrets.files(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {"redis.conf": password.apply(lambda p: redis_conf(args.settings, p))},
        )
        mounts = [
            secret_files("config", configuration, "/etc/redis"),
            self.certificate(name, self.members),
            template_disk("data", "/data"),
            tmp(),
        ]
        server = container(
            "redis",
            args.tier.image("redis"),
            args.settings.resources,
            command=["redis-server", "/etc/redis/redis.conf"],
            ports={"redis": self.port},
            mounts=mounts,
            readiness=probes.tcp(self.port),
            liveness=probes.tcp(self.port, failures=6),
        )
        members = self.service({"redis": self.port}, name=self.members, headless=True)
        workload = self.stateful_set(
            self.pod([server], mounts, user=image_user("redis")),
            1,
            headless=members,
            disks=[("data", args.settings.storage)],
        )
        self.service({"redis": self.port})
        self.access = RedisAccess(
            host=after(self.host(), workload.metadata.name),
            port=self.port,
            password=password,
            server=self.pods,
        )
        self.register_outputs({"host": self.access.host})


def redis_conf(settings: RedisSettings, password: str) -> str:
    """The `redis.conf`; https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/."""
    share = parse(settings.resources.limits.memory) * settings.max_memory_percent / 100
    return "\n".join(
        [
            "port 0",
            f"tls-port {Redis.port}",
            f"tls-cert-file {CERT_FILE}",
            f"tls-key-file {KEY_FILE}",
            f"tls-ca-cert-file {CA_FILE}",
            "tls-auth-clients no",
            f"requirepass {password}",
            "dir /data",
            "appendonly yes",
            f"maxmemory {int(share)}",
            "maxmemory-policy volatile-lru",
            "",
        ]
    )
