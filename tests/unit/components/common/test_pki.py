"""What the stack's authority issues."""

import pytest

from components.common.pki import Authority, AuthorityArgs
from tests.support import Recorded, deploy


@pytest.fixture(scope="module")
def asked() -> Recorded:
    def program() -> None:
        authority = Authority("authority", AuthorityArgs(organization="Test"))
        authority.issue(authority, "web", "apps", {}, ["web.apps.svc"])

    return deploy(program)


def test_a_certificate_is_signed_by_the_authority_for_its_hosts(asked: Recorded) -> None:
    request = asked.one("tls:index/certRequest:CertRequest", "web").inputs
    signed = asked.one("tls:index/locallySignedCert:LocallySignedCert", "web")

    assert request["dnsNames"] == ["web.apps.svc"]
    assert any(urn.endswith("SelfSignedCert::authority") for urn in signed.depends_on)


def test_a_certificate_is_renewed_before_it_ends(asked: Recorded) -> None:
    signed = asked.one("tls:index/locallySignedCert:LocallySignedCert", "web").inputs

    assert 0 < signed["earlyRenewalHours"] < signed["validityPeriodHours"]


def test_the_secret_has_the_service_key_but_never_the_authoritys(asked: Recorded) -> None:
    secret = asked.one("kubernetes:core/v1:Secret", "web-tls")

    assert set(secret.inputs["stringData"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert secret.inputs["stringData"]["tls.key"] == "canary-private-key-pkcs8"
    assert "stringData" in secret.secrets
    assert not any("authority-key" in urn for urn in secret.depends_on)
