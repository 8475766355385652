"""A real Keycloak takes its configuration, secrets and signing key from files alone."""

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.conformance import samples
from tests.conformance.peers import keycloak, postgres
from tests.conformance.peers.certificates import Certificates, RsaKey
from tests.conformance.peers.keycloak import Keycloak
from tests.conformance.peers.postgres import Postgres


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "==")))


def _verify(token: str, public_key_pem: str) -> None:
    """Raise InvalidSignature unless *token* is signed (RS256) with the other half of that key."""
    key = load_pem_public_key(public_key_pem.encode())
    assert isinstance(key, RSAPublicKey)
    signed, _, signature = token.rpartition(".")
    key.verify(
        base64.urlsafe_b64decode(signature + "=="),
        signed.encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


def _token(identity: Keycloak, realm: str) -> str:
    answer = identity.token(realm, samples.CLIENT, samples.CLIENT_SECRET)
    assert "access_token" in answer, answer
    return str(answer["access_token"])


@pytest.mark.parametrize("realm", ["pkcs1", "pkcs8"])
def test_a_token_of_the_imported_realm_verifies_with_the_key_made_outside(
    identity: Keycloak, realm_key: RsaKey, realm: str
) -> None:
    token = _token(identity, realm)

    _verify(token, realm_key.public_key_pem)
    with pytest.raises(InvalidSignature):
        _verify(token, RsaKey.generate().public_key_pem)


def test_a_token_asked_for_inside_the_cluster_names_the_public_issuer(identity: Keycloak) -> None:
    claims = _claims(_token(identity, "pkcs8"))

    assert claims["iss"] == samples.ISSUER
    assert claims["aud"] == samples.AUDIENCE
    assert claims["groups"] == ["research"]


def test_health_and_metrics_are_served_over_tls_on_the_management_port(identity: Keycloak) -> None:
    assert [identity.health(check) for check in ("started", "ready", "live")] == [200, 200, 200]
    assert "agroal_available_count" in identity.metrics()


def test_the_bootstrap_administrator_of_the_file_can_log_in(identity: Keycloak) -> None:
    answer = identity.token(
        "master",
        "admin-cli",
        "",
        grant_type="password",
        username="first-admin",
        password=samples.ADMIN_PASSWORD,
    )
    assert "access_token" in answer


def test_secrets_of_the_file_show_in_no_log_argument_or_environment(identity: Keycloak) -> None:
    visible = identity.running.output() + identity.running.exposed()

    assert "kc.home.dir" in visible, "its processes were not looked at"
    for secret in (samples.DATABASE_PASSWORD, samples.ADMIN_PASSWORD, samples.CLIENT_SECRET):
        assert secret not in visible


def test_realms_are_kept_in_postgresql_over_tls(
    identity: Keycloak, database: Postgres, certificates: Certificates
) -> None:
    assert identity.get("/realms/pkcs8").status_code == 200
    names = postgres.query(database, certificates, "select name from realm order by name")
    plain = postgres.query(
        database,
        certificates,
        "select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid)"
        " where a.datname = 'keycloak' and not s.ssl",
    )

    assert names.split() == ["master", "pkcs1", "pkcs8"]
    assert plain == "0"


def test_an_option_the_test_wants_to_move_must_be_in_the_configuration(
    certificates: Certificates,
) -> None:
    without = samples.KEYCLOAK_CONF.replace("https-port=8443\n", "")

    with pytest.raises(ValueError, match="https-port"):
        keycloak.here(without, certificates, 5432)
