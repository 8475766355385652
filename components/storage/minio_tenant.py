"""MinIO: object storage for documents and backups, as a Tenant of the MinIO operator."""

from collections.abc import Mapping
from typing import Any, Literal

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions
from pydantic import Field

from components.common import scripts, secrets
from components.common.args import Args, MaybeOutput
from components.common.component import Server, after
from components.common.contracts import BucketAccess, ScrapeTarget
from components.common.json_text import json_text
from components.common.network import Pods
from components.common.pki import AUTHORITY, CA_FILE, TLS_PATH
from components.common.pod import Mount, config_files, container, secret_files, tmp
from components.common.task import pods_of, run_once
from components.common.tier import Tier
from config import footprints
from config.settings.data import MinioSettings

Bucket = Literal["llm-models", "llm-documents", "llm-backups"]
"""Names of the buckets."""
BUCKETS: tuple[Bucket, ...] = ("llm-models", "llm-documents", "llm-backups")
Right = Literal["read", "write"]

_ACTIONS: dict[Right, list[str]] = {
    "read": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"],
    "write": [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucket",
        "s3:GetBucketLocation",
    ],
}
_USER = 1000
"""The user of MinIO's image."""
_SERVICE = "minio"
"""Name of the S3 Service, which the operator fixes for every tenant."""
_TRUSTED = "operator-ca-tls"
"""Begins the names of the Secrets that the operator trusts (operator.go:46,115 of 7.1.1)."""


class MinioTenantArgs(Args):
    """One tenant; the operator allows one per namespace."""

    tier: Tier
    settings: MinioSettings = Field(default_factory=MinioSettings)
    api_server_cidrs: list[str]
    """Addresses of the Kubernetes API server, which the sidecar watches for its configuration."""
    operator_namespace: str = "minio-operator"
    """Where the operator runs, and finds the authority of the tenant's certificate."""


class MinioTenant(Server):
    """An erasure-coded pool, its buckets, and a user for each client with a grant."""

    kind = "minio"
    port = 9000

    endpoint: Output[str]
    """`https://…` of the S3 API, known once the tenant is initialized."""
    metrics: ScrapeTarget

    def __init__(
        self, name: str, args: MinioTenantArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        self.pods = Pods(name, args.tier.namespace, {"v1.min.io/tenant": name}, self)
        self._account = self.service_account()
        # The operator asks the tenant for its health over TLS, and never calls it initialized
        # before it trusts what answers: our authority has to be in its own namespace, first.
        trusted = secrets.files(
            self,
            f"{_TRUSTED}-{name}",
            args.operator_namespace,
            self.labels,
            {AUTHORITY: args.tier.authority.pem},
        )
        self._certificate = after(self.certificate_secret(_SERVICE, f"{name}-hl"), trusted)
        password = secrets.password(self, f"{name}-root")
        self._root = self._files(f"{name}-root", "root", {"user": "root", "password": password})
        configuration = secrets.files(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {"config.env": password.apply(lambda p: config_env("root", p))},
        )
        tenant = k8s.apiextensions.CustomResource(
            name,
            api_version="minio.min.io/v2",
            kind="Tenant",
            metadata={
                **self.metadata(name),  # the operator derives names of Services and volumes from it
                "annotations": {
                    "pulumi.com/waitFor": "jsonpath={.status.currentState}=Initialized"
                },
            },
            spec=self._spec(name, args, configuration),
            opts=self.stateful_opts,
        )
        self.tier.firewall.connect(self.pods, self.pods, self.port)
        operator = Pods("minio-operator", args.operator_namespace)
        self.tier.firewall.admit(self.pods, operator, self.port)
        self.reach_api_server(args.api_server_cidrs)
        self.endpoint = after(Output.format("https://{0}", self.host(_SERVICE)), tenant.id)
        self.metrics = self.scrape_target(
            self.port,
            service=f"{name}-hl",
            server_name=self.host(_SERVICE),
            path="/minio/metrics/v3",
        )
        self.register_outputs({"endpoint": self.endpoint})

    def grant(
        self, bucket: Bucket, client_name: str, right: Right = "write"
    ) -> BucketAccess[Output[str]]:
        """Access to *bucket* for *client_name*, with a user that has no other permissions."""
        step = f"{client_name}-{bucket}"
        client = pods_of(self, step)
        secret_key = secrets.password(self, f"{client.name}-key", 40)
        self.allow_from(client)
        mounts = [
            self._root,
            self._files(client.name, "grant", {"access-key": step, "secret-key": secret_key}),
            config_files(
                "grant-policy",
                secrets.config(
                    self,
                    client.name,
                    self.tier.namespace,
                    self.labels,
                    {
                        "policy.json": json_text(bucket_policy(bucket, right)),
                        "grant.sh": scripts.source("components.storage", "minio_grant.sh"),
                    },
                ),
                "/etc/grant",
            ),
            secret_files("tls", self._certificate, TLS_PATH),
            tmp(),
        ]
        run = container(
            "grant",
            self.tier.image("mc"),
            footprints.GRANT,
            command=["/bin/sh", "/etc/grant/grant.sh"],
            args=[self.endpoint.apply(lambda url: url.removeprefix("https://")), step],
            env={"SSL_CERT_FILE": CA_FILE},
            mounts=mounts,
        )
        done = run_once(self, step, run, mounts, service_account=self._account)
        return BucketAccess(
            bucket=bucket,
            endpoint=after(self.endpoint, done),
            server=self.pods,
            port=self.port,
            access_key=Output.from_input(step),
            secret_key=secret_key,
        )

    def _files(self, name: str, volume: str, content: Mapping[str, MaybeOutput[str]]) -> Mount:
        secret = secrets.files(self, name, self.tier.namespace, self.labels, content)
        return secret_files(volume, secret, f"/run/secrets/{volume}")

    def _spec(self, name: str, args: MinioTenantArgs, configuration: Output[str]) -> dict[str, Any]:
        settings = args.settings
        restricted = {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        return {
            "image": args.tier.image("minio"),
            "mountPath": "/data",
            "podManagementPolicy": "Parallel",
            "priorityClassName": args.tier.priority_class,
            "requestAutoCert": False,  # the stack's authority issues its certificates
            "externalCertSecret": [{"name": self._certificate, "type": "kubernetes.io/tls"}],
            "configuration": {"name": configuration},
            "features": {"bucketDNS": True},
            "buckets": [{"name": bucket} for bucket in BUCKETS],
            "pools": [
                {
                    "name": "pool-0",
                    "servers": settings.servers,
                    "volumesPerServer": settings.volumes_per_server,
                    "labels": self.labels,
                    "volumeClaimTemplate": {
                        "metadata": {"name": "data"},
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "storageClassName": args.tier.storage_class,
                            "resources": {"requests": {"storage": settings.volume_size}},
                        },
                    },
                    "resources": settings.resources.manifest(),
                    "securityContext": {**restricted, "fsGroup": _USER},
                    "containerSecurityContext": {
                        **restricted,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": {"v1.min.io/tenant": name}},
                        }
                    ],
                }
            ],
        }


def config_env(user: str, password: str) -> str:
    """The `config.env` of a tenant; the console is off, metrics need no token.

    https://min.io/docs/minio/linux/reference/minio-server/settings.html
    """
    settings = {
        "MINIO_ROOT_USER": user,
        "MINIO_ROOT_PASSWORD": password,
        "MINIO_BROWSER": "off",
        "MINIO_CALLHOME_ENABLE": "off",
        "MINIO_UPDATE": "off",
        "MINIO_PROMETHEUS_AUTH_TYPE": "public",
    }
    return "".join(f'export {key}="{value}"\n' for key, value in settings.items())


def bucket_policy(bucket: Bucket, right: Right) -> dict[str, Any]:
    """An IAM policy for *bucket* only."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": _ACTIONS[right],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }
