"""PostgreSQL: one database with hot standbys, operated by CloudNativePG."""

from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import parse
from components.common.args import Args
from components.common.component import Server, after
from components.common.contracts import DatabaseAccess, ScrapeTarget
from components.common.network import Pods
from components.common.secrets import password
from components.common.tier import Tier
from config.settings.data import PostgresSettings

_STATUS = 8000
"""Port where the operator checks an instance."""
_METRICS = 9187
_MEBI = 2**20
_TEMPORARY = "1Gi"
"""Size of the volume for sockets, certificates and temporary files."""


class PostgresArgs(Args):
    """One PostgreSQL cluster with one database."""

    tier: Tier
    settings: PostgresSettings = Field(default_factory=PostgresSettings)
    database: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    """Name of the database and of the role that owns it."""
    api_server_cidrs: list[str]
    """Addresses of the Kubernetes API server, which tells each instance the primary."""
    operator_namespace: str = "cnpg-system"


class Postgres(Server):
    """A primary and its standbys, TLS only, with certificates of the stack's authority."""

    kind = "postgres"
    port = 5432

    access: DatabaseAccess[Output[str]]
    """For clients, as the owner of the database."""
    metrics: ScrapeTarget

    def __init__(self, name: str, args: PostgresArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        # The operator labels the pods that it creates; this label is its own and never changes.
        self.pods = Pods(name, args.tier.namespace, {"cnpg.io/cluster": name}, self)
        primary, metrics = f"{name}-rw", f"{name}-metrics"
        secret = password(self, f"{name}-password")
        owner = k8s.core.v1.Secret(
            name,
            metadata=self.metadata(),
            type="kubernetes.io/basic-auth",  # the type that the operator requires
            string_data={"username": args.database, "password": secret},
            opts=self.child_opts,
        )
        certificate = self.certificate_secret(primary, f"{name}-ro", f"{name}-r", metrics)
        cluster = k8s.apiextensions.CustomResource(
            name,
            api_version="postgresql.cnpg.io/v1",
            kind="Cluster",
            metadata={
                **self.metadata(name),  # the operator names Services after it
                "annotations": {"pulumi.com/waitFor": "condition=Ready"},
            },
            spec=self._spec(args, owner.metadata.name, certificate),
            opts=self.stateful_opts,
        )
        self.service({"metrics": _METRICS}, name=metrics, headless=True)
        self._connect(args)
        self.access = DatabaseAccess(
            host=after(self.host(primary), cluster.id),
            port=self.port,
            database=args.database,
            user=args.database,
            password=secret,
            server=self.pods,
        )
        self.metrics = self.scrape_target(_METRICS, service=metrics, server_name=self.host(metrics))
        self.register_outputs({"host": self.access.host})

    def _connect(self, args: PostgresArgs) -> None:
        """Instances to each other, the operator to them, they to the API server."""
        # https://cloudnative-pg.io/documentation/current/networking/
        self.tier.firewall.connect(self.pods, self.pods, self.port, _STATUS)
        operator = Pods(
            "cnpg-operator",
            args.operator_namespace,
            {"app.kubernetes.io/name": "cloudnative-pg"},
        )
        self.tier.firewall.admit(self.pods, operator, self.port, _STATUS)
        self.reach_api_server(args.api_server_cidrs)

    def _spec(
        self, args: PostgresArgs, owner: Output[str], certificate: Output[str]
    ) -> dict[str, Any]:
        """The `spec` of a Cluster.

        https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/#postgresql-cnpg-io-v1-ClusterSpec
        """
        settings = args.settings
        return {
            "description": f"{args.database}, of the private AI stack",
            "instances": settings.instances,
            "imageName": args.tier.image("postgres"),
            "bootstrap": {
                "initdb": {
                    "database": args.database,
                    "owner": args.database,
                    "secret": {"name": owner},
                    "dataChecksums": True,
                }
            },
            # Client certificates, replication included, stay the operator's own.
            "certificates": {"serverTLSSecret": certificate, "serverCASecret": certificate},
            "postgresql": {
                "parameters": {"shared_buffers": shared_buffers(settings)},
                # Before the operator's last rule, which accepts connections without TLS.
                "pg_hba": ["hostnossl all all all reject"],
            },
            "storage": {
                "size": settings.storage,
                "storageClass": args.tier.storage_class,
                "resizeInUseVolumes": True,
            },
            "resources": settings.resources.with_scratch(int(parse(_TEMPORARY))).manifest(),
            "ephemeralVolumesSizeLimit": {"temporaryData": _TEMPORARY, "shm": "256Mi"},
            "priorityClassName": args.tier.priority_class,
            "affinity": {
                "enablePodAntiAffinity": True,
                "podAntiAffinityType": "preferred",
                "topologyKey": "kubernetes.io/hostname",
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": dict(self.pods.labels)},
                }
            ],
            "enableSuperuserAccess": False,
            # The operator's budget for a single primary would block a drain of its node.
            "enablePDB": settings.instances > 1,
            "inheritedMetadata": {"labels": self.labels},
            "monitoring": {"tls": {"enabled": True}},
        }


def shared_buffers(settings: PostgresSettings) -> str:
    """A quarter of the memory, PostgreSQL's recommendation for a dedicated server.

    https://www.postgresql.org/docs/current/runtime-config-resource.html
    """
    memory = parse(settings.resources.limits.memory)
    return f"{int(memory / 4 / _MEBI)}MB"
