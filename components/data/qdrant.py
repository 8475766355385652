"""Qdrant: replicated vector search over HTTPS and gRPC."""

from typing import Any

from pulumi import Output, ResourceOptions
from pydantic import Field

from catalog.images import image_user
from components.common import probes, scripts, secrets
from components.common.args import Args
from components.common.component import Server, after
from components.common.contracts import BucketAccess, ScrapeTarget, VectorAccess, resolved
from components.common.json_text import json_text, secret_json
from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE
from components.common.pod import config_files, container, scratch, secret_files, template_disk
from components.common.task import pods_of, run_once
from components.common.tier import Tier
from config import footprints
from config.settings.data import QdrantSettings, VectorCollection

_GRPC, _PEERS = 6334, 6335
_START = """set -eu
index="${HOSTNAME##*-}"
self="https://${HOSTNAME}.$1:6335"
join="$2-0.$1:6335"
if [ "$index" = 0 ]; then
  join=""
  if [ ! -e "$5/raft_state.json" ]; then
    for other in $(seq 1 "$4"); do
      peer="$2-$other.$1"
      # A member listens for its peers once it belongs to a group.
      if timeout 3 bash -c "</dev/tcp/$peer/6335" 2>/dev/null; then join="$peer:6335"; break; fi
    done
  fi
fi
exec ./qdrant --config-path "$3" ${join:+--bootstrap "https://$join"} --uri "$self"
"""
"""Member 0 founds the Raft group, the others join it: so does member 0, if its disk is empty while
another answers. $1: peer domain, $2: set, $3: config, $4: number of the last member, $5: disk.

Qdrant ignores `--bootstrap` once it has a state (v1.19.0, src/consensus.rs:324-352). The official
chart founds a second group (qdrant-helm 1.19.0, templates/configmap.yaml:26).
"""
_STORAGE = "/qdrant/storage"


class QdrantArgs(Args):
    """A Qdrant cluster."""

    tier: Tier
    settings: QdrantSettings = Field(default_factory=QdrantSettings)
    snapshots: BucketAccess[Output[str]]
    """Bucket for snapshots."""


class Qdrant(Server):
    """A Raft group of Qdrant members with their own disks, and its initial collections."""

    kind = "qdrant"
    port = 6333

    access: VectorAccess
    """For clients; the URL is known once the collections exist."""
    metrics: ScrapeTarget

    def __init__(self, name: str, args: QdrantArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        settings = args.settings
        self._api_key = secrets.password(self, f"{name}-api-key")
        reader = secrets.password(self, f"{name}-read-only-api-key")
        configuration = secrets.files(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {
                "qdrant.yaml": Output.all(
                    api_key=self._api_key,
                    read_only_api_key=reader,
                    snapshots=resolved(args.snapshots),
                ).apply(
                    # JSON is YAML
                    lambda known: secret_json(qdrant_config(settings, **known))
                )
            },
        )
        self._tls = self.certificate(name, self.members)
        self._account = self.service_account()
        mounts = [
            secret_files("config", configuration, "/etc/qdrant"),
            self._tls,
            template_disk("storage", _STORAGE),
            # What is recovered from lies here as a whole; what is saved, on the disk of the data.
            scratch("snapshots", "/qdrant/snapshots", settings.storage),
            scratch("init", "/qdrant/init"),
        ]
        probe = probes.https("/livez", self.port)
        server = container(
            "qdrant",
            args.tier.image("qdrant"),
            settings.resources,
            command=["/bin/sh", "-c", _START, "start"],
            args=[
                self.host(self.members),
                name,
                "/etc/qdrant/qdrant.yaml",
                str(settings.nodes - 1),
                _STORAGE,
            ],
            env={
                "QDRANT_INIT_FILE_PATH": "/qdrant/init/.qdrant-initialized",
                "SSL_CERT_FILE": CA_FILE,  # for the object store
            },
            ports={"https": self.port, "grpc-tls": _GRPC, "peers": _PEERS},
            mounts=mounts,
            readiness=probes.https("/readyz", self.port),
            liveness=probe,
            startup=probes.startup(probe, 600),
        )
        members = self.service({"https": self.port}, name=self.members, headless=True)
        workload = self.stateful_set(
            self.pod(
                [server],
                mounts,
                account=self._account,
                user=image_user("qdrant"),
                grace_seconds=60,
                spread=True,
            ),
            settings.nodes,
            headless=members,
            disks=[("storage", settings.storage)],
            parallel=True,  # members join by themselves; ordered, the loss of member 0 blocks all
        )
        self.service({"https": self.port, "grpc-tls": _GRPC})
        self.tier.firewall.connect(self.pods, self.pods, _PEERS)
        self.tier.firewall.connect(self.pods, args.snapshots.server, args.snapshots.port)
        ready = self.https_url(workload.metadata.name)
        self.access = VectorAccess(
            url=self._with_collections(ready, settings),
            api_key=self._api_key,
            server=self.pods,
            port=self.port,
        )
        self.metrics = self.scrape_target(self.port, bearer=reader)
        self.register_outputs({"url": self.access.url})

    def _with_collections(self, url: Output[str], settings: QdrantSettings) -> Output[str]:
        """*url*, known once the collections exist."""
        step = "collections"
        client = pods_of(self, step)
        self.allow_from(client)
        definition = {
            name: collection(each, settings.replication_factor)
            for name, each in settings.collections.items()
        }
        files = secrets.config(
            self,
            client.name,
            self.tier.namespace,
            self.labels,
            {
                "collections.json": json_text(definition),
                "create.py": scripts.source("components.data", "qdrant_collections.py"),
            },
        )
        key = secrets.files(
            self, client.name, self.tier.namespace, self.labels, {"api-key": self._api_key}
        )
        mounts = [
            config_files("config", files, "/etc/collections"),
            secret_files("key", key, "/run/secrets/qdrant"),
            self._tls,
        ]
        create = container(
            step,
            self.tier.image("python"),
            footprints.COLLECTIONS,
            command=["python", "/etc/collections/create.py"],
            args=[url, "/etc/collections", "/run/secrets/qdrant/api-key", CA_FILE],
            mounts=mounts,
        )
        done = run_once(self, step, create, mounts, service_account=self._account)
        return after(url, done)


def collection(parameters: VectorCollection, replicas: int) -> dict[str, Any]:
    """The body of `PUT /collections/{name}`; https://api.qdrant.tech/api-reference.

    *replicas* per shard, unless *parameters* say so.
    """
    return {
        "vectors": {"size": parameters.vector_size, "distance": parameters.distance},
        "hnsw_config": {
            "m": parameters.hnsw_m,
            "ef_construct": parameters.hnsw_ef_construct,
            "full_scan_threshold": parameters.full_scan_threshold,
        },
        "optimizers_config": {
            "deleted_threshold": parameters.deleted_threshold,
            "vacuum_min_vector_number": parameters.vacuum_min_vector_number,
            "memmap_threshold": parameters.memmap_threshold,
        },
        "quantization_config": {
            "scalar": {
                "type": "int8",
                "quantile": parameters.quantile,
                "always_ram": parameters.always_ram,
            }
        },
        "replication_factor": parameters.replication_factor or replicas,
        "write_consistency_factor": parameters.write_consistency_factor,
    }


def qdrant_config(
    settings: QdrantSettings,
    *,
    snapshots: BucketAccess[str],
    api_key: str,
    read_only_api_key: str,
) -> dict[str, Any]:
    """The configuration file of a member, as data.

    https://qdrant.tech/documentation/guides/configuration/
    """
    return {
        "log_level": "INFO",
        "telemetry_disabled": True,
        "storage": {
            "performance": {"max_search_threads": settings.max_search_threads},
            # Of the collections that clients create without saying so: Open WebUI all of its own.
            "collection": {"replication_factor": settings.replication_factor},
            "snapshots_config": {
                "snapshots_storage": "s3",
                "s3_config": {
                    "bucket": snapshots.bucket,
                    "region": "us-east-1",  # MinIO's default; Qdrant requires a value
                    "endpoint_url": snapshots.endpoint,
                    "access_key": snapshots.access_key,
                    "secret_key": snapshots.secret_key,
                },
            },
        },
        "service": {
            "api_key": api_key,
            "read_only_api_key": read_only_api_key,
            "enable_tls": True,
            "enable_snapshot_url_recovery": False,  # SSRF: the caller sends the URL
        },
        "cluster": {"enabled": True, "p2p": {"port": _PEERS, "enable_tls": True}},
        "tls": {
            "cert": CERT_FILE,
            "key": KEY_FILE,
            "ca_cert": CA_FILE,
            "cert_ttl": 3600,
        },
    }
