"""Redis: the counters that quotas share between replicas, and sessions."""

from pulumi import ResourceOptions
from pydantic import Field

from base.quantity import parse
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import TLS_PATH, Component, when_ready
from components.common.contracts import RedisAccess
from components.common.pod import container, pod, scratch, secret_files, template_disk
from components.common.tier import Tier
from config.settings.data import RedisSettings

_USER = 999
"""The user `redis` of the image."""


class RedisArgs(Args):
    """A Redis that speaks TLS only."""

    tier: Tier
    settings: RedisSettings = Field(default_factory=RedisSettings)


class Redis(Component):
    """One Redis with an append-only file; its clients fail closed while it restarts."""

    kind = "redis"
    port = 6379

    access: RedisAccess
    """For a client; its host is known once Redis answers."""

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
            self.certificate(name, f"{name}-members"),
            template_disk("data", "/data"),
            scratch("tmp", "/tmp"),  # noqa: S108 - a path inside the container
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
        members = self.service({"redis": self.port}, name=f"{name}-members", headless=True)
        workload = self.stateful_set(
            pod(
                [server],
                mounts,
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                user=_USER,
            ),
            1,
            headless=members,
            disks=[("data", args.settings.storage)],
        )
        self.service({"redis": self.port})
        self.access = RedisAccess(
            host=when_ready(workload, self.host()),
            port=self.port,
            password=password,
            server=self.pods,
        )
        self.register_outputs({"host": self.access.host})


def redis_conf(settings: RedisSettings, password: str) -> str:
    """The whole `redis.conf`; https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/."""
    share = parse(settings.resources.limits.memory) * settings.max_memory_percent / 100
    return "\n".join(
        [
            "port 0",
            f"tls-port {Redis.port}",
            f"tls-cert-file {TLS_PATH}/tls.crt",
            f"tls-key-file {TLS_PATH}/tls.key",
            f"tls-ca-cert-file {TLS_PATH}/ca.crt",
            "tls-auth-clients no",
            f"requirepass {password}",
            "dir /data",
            "appendonly yes",
            f"maxmemory {int(share)}",
            "maxmemory-policy volatile-lru",
            "",
        ]
    )
