"""The stack's certificate authority, and the certificates that it issues inside the cluster."""

from collections.abc import Sequence

import pulumi_tls as tls
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.common import secrets
from components.common.args import Args, MaybeOutput
from components.common.labels import Labels

_HOURS_PER_DAY = 24
CA_DAYS = 3650
LEAF_DAYS = 365
RENEW_DAYS = 60
"""`up` renews a leaf certificate that expires within this many days."""

CERTIFICATE = "tls.crt"
PRIVATE_KEY = "tls.key"
AUTHORITY = "ca.crt"
"""Files of every certificate Secret, named as kubernetes.io/tls and cert-manager name them."""

TLS_PATH = "/etc/tls"
"""Where every container finds the files of its certificate Secret."""
CERT_FILE = f"{TLS_PATH}/{CERTIFICATE}"
KEY_FILE = f"{TLS_PATH}/{PRIVATE_KEY}"
CA_FILE = f"{TLS_PATH}/{AUTHORITY}"


class AuthorityArgs(Args):
    """A private certificate authority, kept in the stack's encrypted state only."""

    organization: str
    """Subject organization of the authority and of its certificates."""


class Authority(ComponentResource):
    """Issues a key pair and a certificate to each service; its own key never enters the cluster."""

    pem: Output[str]
    """CA certificate that every client trusts."""

    def __init__(self, name: str, args: AuthorityArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("private-ai:index:Authority", name, {}, opts)
        self._organization = args.organization
        self._key = _private_key(self, f"{name}-key")
        self._certificate = tls.SelfSignedCert(
            name,
            private_key_pem=self._key.private_key_pem,
            is_ca_certificate=True,
            allowed_uses=["cert_signing", "crl_signing", "digital_signature"],
            validity_period_hours=CA_DAYS * _HOURS_PER_DAY,
            subject={
                "common_name": f"{args.organization} private AI",
                "organization": args.organization,
            },
            opts=ResourceOptions(parent=self),
        )
        self.pem = self._certificate.cert_pem
        self.register_outputs({"pem": self.pem})

    def issue(
        self,
        owner: Resource,
        name: str,
        namespace: MaybeOutput[str],
        labels: Labels,
        hosts: Sequence[MaybeOutput[str]],
    ) -> Output[str]:
        """A Secret (`tls.crt`, `tls.key` in PKCS 8, `ca.crt`) valid for *hosts*; returns its name.

        For servers, and for clients where both sides authenticate.
        """
        child = ResourceOptions(parent=owner)
        key = _private_key(owner, name)
        request = tls.CertRequest(
            name,
            private_key_pem=key.private_key_pem,
            dns_names=list(hosts),
            subject={"common_name": name, "organization": self._organization},
            opts=child,
        )
        certificate = tls.LocallySignedCert(
            name,
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=self._key.private_key_pem,
            ca_cert_pem=self._certificate.cert_pem,
            allowed_uses=["digital_signature", "key_encipherment", "server_auth", "client_auth"],
            validity_period_hours=LEAF_DAYS * _HOURS_PER_DAY,
            early_renewal_hours=RENEW_DAYS * _HOURS_PER_DAY,
            opts=child,
        )
        return secrets.files(
            owner,
            f"{name}-tls",
            namespace,
            labels,
            {
                CERTIFICATE: certificate.cert_pem,
                PRIVATE_KEY: key.private_key_pem_pkcs8,
                AUTHORITY: self.pem,
            },
        )


def _private_key(owner: Resource, name: str) -> tls.PrivateKey:
    return tls.PrivateKey(
        name, algorithm="ECDSA", ecdsa_curve="P256", opts=ResourceOptions(parent=owner)
    )
