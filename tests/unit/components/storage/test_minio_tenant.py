"""What a MinIO tenant asks of the cluster."""

import json

import pytest

from components.storage.minio_tenant import MinioTenant, MinioTenantArgs, bucket_policy
from tests.support import Recorded, deploy, openings, tier

TENANT = "kubernetes:minio.min.io/v2:Tenant"
endpoints: list[str] = []


@pytest.fixture(scope="module")
def asked() -> Recorded:
    def program() -> None:
        store = MinioTenant(
            "llm-storage",
            MinioTenantArgs(tier=tier("minio"), api_server_cidrs=["10.0.0.1/32"]),
        )
        access = store.grant("llm-backups", "qdrant")
        access.endpoint.apply(endpoints.append)

    return deploy(program)


def test_it_has_the_default_shape_and_buckets(asked: Recorded) -> None:
    spec = asked.one(TENANT, "llm-storage").inputs["spec"]
    [pool] = spec["pools"]

    assert (pool["servers"], pool["volumesPerServer"]) == (4, 2)
    assert pool["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"] == "2Ti"
    assert [b["name"] for b in spec["buckets"]] == ["llm-models", "llm-documents", "llm-backups"]


def test_its_certificates_are_of_the_stacks_authority(asked: Recorded) -> None:
    spec = asked.one(TENANT, "llm-storage").inputs["spec"]
    hosts = asked.one("tls:index/certRequest:CertRequest", "llm-storage").inputs["dnsNames"]

    assert spec["requestAutoCert"] is False
    assert spec["externalCertSecret"][0]["name"] == "llm-storage-tls-auto"
    assert {"minio.minio.svc", "*.llm-storage-hl.minio.svc.cluster.local"} <= set(hosts)


def test_its_operator_trusts_the_authority_before_there_is_a_tenant_to_trust(
    asked: Recorded,
) -> None:
    # minio/operator v7.1.1: pkg/controller/operator.go:46 and 106-132 read `ca.crt` of Secrets with
    # this prefix in its own namespace; otherwise monitoring.go:120-125 reports no health.
    secret = asked.one("kubernetes:core/v1:Secret", "operator-ca-tls-llm-storage")
    tenant = asked.one(TENANT, "llm-storage")

    # Named by Pulumi, so that the names on the cluster begin with this one.
    assert "name" not in secret.inputs["metadata"]
    assert secret.inputs["metadata"]["namespace"] == "minio-operator"
    assert secret.inputs["stringData"] == {"ca.crt": "ca-certificate"}
    assert any(urn.endswith("Secret::operator-ca-tls-llm-storage") for urn in tenant.depends_on)


def test_it_is_awaited_and_its_disks_are_kept(asked: Recorded) -> None:
    tenant = asked.one(TENANT, "llm-storage")

    assert "Initialized" in tenant.inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    assert tenant.protect
    assert tenant.retain


def test_a_grant_is_a_user_of_its_own_for_one_bucket(asked: Recorded) -> None:
    job = asked.one("kubernetes:batch/v1:Job", "llm-storage-qdrant-llm-backups")
    policy = bucket_policy("llm-backups", "write")

    assert any(urn.endswith("Tenant::llm-storage") for urn in job.depends_on)
    assert policy["Statement"][0]["Resource"] == [
        "arn:aws:s3:::llm-backups",
        "arn:aws:s3:::llm-backups/*",
    ]
    assert endpoints == ["https://minio.minio.svc"]


def test_a_reader_may_not_write() -> None:
    [statement] = bucket_policy("llm-models", "read")["Statement"]

    assert "s3:PutObject" not in statement["Action"]
    assert "s3:GetObject" in statement["Action"]


def test_no_credential_is_in_a_pod_or_in_a_config_map(asked: Recorded) -> None:
    plain = [
        a.inputs
        for a in asked.values()
        if a.type.startswith("kubernetes:") and not a.type.endswith(":Secret")
    ]

    assert plain
    assert "canary" not in json.dumps(plain)


def test_only_its_members_its_operator_and_who_is_granted_come_in(asked: Recorded) -> None:
    ingress = {opening for opening in openings(asked) if "-from-" in opening}

    assert ingress == {
        "llm-storage-from-llm-storage",
        "llm-storage-from-minio-operator",
        "llm-storage-from-llm-storage-qdrant-llm-backups",
    }
