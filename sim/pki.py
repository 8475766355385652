"""Keys and certificates of a simulated control plane."""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Longer than any simulation runs; a leaked key expires within a year.
_VALIDITY = dt.timedelta(days=365)
_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_CONTROLLER_NAMES = ("localhost", "keda-metrics-apiserver.keda.svc")

FRONT_PROXY = "front-proxy"
"""File name of the client certificate with which the API server calls aggregated API servers."""
CONTROLLERS = "controllers"
"""Folder of the controllers' server certificate: ca.crt, tls.crt and tls.key."""
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH


class Issued(NamedTuple):
    """A certificate and its private key (PKCS 8), both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority. All keys are P-256: RSA keys take longer to generate."""

    def __init__(self, common_name: str) -> None:
        self._key = _new_key()
        self._name = _name(common_name)
        signed = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.own = Issued(signed.public_bytes(serialization.Encoding.PEM), _private(self._key))

    def issue(
        self,
        common_name: str,
        usages: Sequence[x509.ObjectIdentifier],
        hosts: Sequence[str] = (),
        organization: str = "",
    ) -> Issued:
        """A new certificate; with *hosts*, a server's, valid for them and 127.0.0.1."""
        key = _new_key()
        certificate = _builder(_name(common_name, organization), self._name, key).add_extension(
            x509.ExtendedKeyUsage(usages), critical=False
        )
        if hosts:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            names = [*(x509.DNSName(host) for host in hosts), address]
            certificate = certificate.add_extension(
                x509.SubjectAlternativeName(names), critical=False
            )
        signed = certificate.sign(self._key, hashes.SHA256())
        return Issued(signed.public_bytes(serialization.Encoding.PEM), _private(key))


def write_pki(folder: Path) -> None:
    """Write the keys and certificates of a control plane to *folder*, as PEM, mode 0600.

    `ca`, `server` (the API server's, for 127.0.0.1), `admin` (a client in system:masters) and
    `front-proxy`, each `.crt` and `.key`; `service-accounts.key` and `.pub`; the folder of the
    controllers.
    """
    controllers = folder / CONTROLLERS
    controllers.mkdir(parents=True, exist_ok=True)
    ca = Authority("simulated-cluster")
    _write_pair(folder / "ca", ca.own)
    _write_pair(folder / "server", ca.issue("kube-apiserver", [SERVER], _SERVER_NAMES))
    admin = ca.issue("simulation-admin", [CLIENT], organization="system:masters")
    _write_pair(folder / "admin", admin)
    _write_pair(folder / FRONT_PROXY, ca.issue("front-proxy-client", [CLIENT]))
    _write_pair(controllers / "tls", ca.issue("controllers", [SERVER, CLIENT], _CONTROLLER_NAMES))
    _write(controllers / "ca.crt", ca.own.certificate)

    accounts = _new_key()
    _write(folder / "service-accounts.key", _private(accounts))
    _write(
        folder / "service-accounts.pub",
        accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )


def _write_pair(file: Path, issued: Issued) -> None:
    """Write `.crt` and `.key` at *file*."""
    _write(file.with_suffix(".crt"), issued.certificate)
    _write(file.with_suffix(".key"), issued.key)


def _name(common_name: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _VALIDITY)
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(content)
