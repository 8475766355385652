"""What a PostgreSQL asks of the CloudNativePG operator."""

import json

import pytest

from components.data.postgres import Postgres, PostgresArgs, shared_buffers
from config.settings.data import PostgresSettings
from tests.support import Recorded, deploy, openings, tier

CLUSTER = "kubernetes:postgresql.cnpg.io/v1:Cluster"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SECRET = "kubernetes:core/v1:Secret"
hosts: list[str] = []


def ask(*, instances: int = 2, disposable: bool = False) -> Recorded:
    def program() -> None:
        database = Postgres(
            "keycloak-db",
            PostgresArgs(
                tier=tier("llm-data", disposable=disposable),
                settings=PostgresSettings(instances=instances),
                database="keycloak",
                api_server_cidrs=["10.0.0.1/32"],
            ),
        )
        database.access.host.apply(hosts.append)

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def test_clients_can_verify_the_primary_by_the_name_that_they_are_given(asked: Recorded) -> None:
    spec = asked.one(CLUSTER, "keycloak-db").inputs["spec"]
    names = asked.one("tls:index/certRequest:CertRequest", "keycloak-db").inputs["dnsNames"]

    assert hosts[0] == "keycloak-db-rw.llm-data.svc"
    assert hosts[0] in names
    assert spec["certificates"] == {
        "serverTLSSecret": "keycloak-db-tls-auto",
        "serverCASecret": "keycloak-db-tls-auto",
    }


def test_a_connection_without_tls_is_rejected_before_any_other_rule(asked: Recorded) -> None:
    spec = asked.one(CLUSTER, "keycloak-db").inputs["spec"]

    assert spec["postgresql"]["pg_hba"][0] == "hostnossl all all all reject"
    assert spec["monitoring"] == {"tls": {"enabled": True}}


def test_the_owners_secret_has_the_shape_that_the_operator_asks_for(asked: Recorded) -> None:
    secret = asked.one(SECRET, "keycloak-db")
    initdb = asked.one(CLUSTER, "keycloak-db").inputs["spec"]["bootstrap"]["initdb"]

    assert secret.inputs["type"] == "kubernetes.io/basic-auth"
    assert secret.inputs["stringData"] == {"username": "keycloak", "password": "canary-password"}
    assert "stringData" in secret.secrets
    assert initdb["secret"] == {"name": "keycloak-db-auto"}
    assert initdb["owner"] == "keycloak"


def test_no_password_is_in_the_cluster_itself(asked: Recorded) -> None:
    assert "canary" not in json.dumps(asked.one(CLUSTER, "keycloak-db").inputs)


def test_it_is_awaited_until_it_is_ready(asked: Recorded) -> None:
    annotations = asked.one(CLUSTER, "keycloak-db").inputs["metadata"]["annotations"]

    assert annotations["pulumi.com/waitFor"] == "condition=Ready"


@pytest.mark.parametrize("disposable", [True, False])
def test_its_data_is_protected_unless_the_stack_is_disposable(disposable: bool) -> None:
    cluster = ask(disposable=disposable).one(CLUSTER, "keycloak-db")

    assert cluster.protect is not disposable
    assert cluster.retain is not disposable


def test_members_the_operator_and_the_api_server_are_on_its_paths(asked: Recorded) -> None:
    [policy] = asked.of(POLICY)

    assert openings(asked) == {
        "keycloak-db-to-keycloak-db": [5432, 8000],
        "keycloak-db-from-keycloak-db": [5432, 8000],
        "keycloak-db-from-cnpg-system": [5432, 8000],
        "keycloak-db-to-10.0.0.1/32": [443, 6443],
    }
    assert policy.inputs["spec"]["podSelector"] == {
        "matchLabels": {"cnpg.io/cluster": "keycloak-db"}
    }


def test_a_lone_instance_may_be_drained() -> None:
    alone = ask(instances=1).one(CLUSTER, "keycloak-db").inputs["spec"]
    pair = ask(instances=2).one(CLUSTER, "keycloak-db").inputs["spec"]

    assert alone["enablePDB"] is False
    assert pair["enablePDB"] is True


def test_a_quarter_of_the_memory_is_for_shared_buffers() -> None:
    assert shared_buffers(PostgresSettings()) == "512MB"
