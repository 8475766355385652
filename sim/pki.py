"""Keys and certificates of a simulated control plane."""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Longer than any simulation runs, and short enough that one that leaks is soon worthless.
_VALIDITY = dt.timedelta(days=365)
_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_CONTROLLER_NAMES = ("localhost", "keda-metrics-apiserver.keda.svc")

FRONT_PROXY = "front-proxy"
"""By which an API server that extends ours knows that ours passes a request on."""
CONTROLLERS = "controllers"
"""Folder of what a controller serves with: ca.crt, tls.crt and tls.key."""


def write_pki(folder: Path) -> None:
    """Fill *folder* with what the parts of a control plane need to trust each other, as PEM.

    `ca`, `server` (the API server's, for 127.0.0.1), `admin` (a client in system:masters) and
    `front-proxy`, each `.crt` and `.key`; `service-accounts.key` and `.pub`; the folder of the
    controllers. Readable by the owner only. P-256 throughout: an RSA key would take longer to make
    than etcd takes to start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ca_key = _new_key()
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated-cluster")])
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    _write(folder / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))
    _write(folder / "ca.key", _private(ca_key))

    issuer = _Issuer(ca_key, ca_name)
    issuer.issue(
        folder / "server",
        [x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")],
        [ExtendedKeyUsageOID.SERVER_AUTH],
        _SERVER_NAMES,
    )
    issuer.issue(
        folder / "admin",
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "simulation-admin"),
        ],
        [ExtendedKeyUsageOID.CLIENT_AUTH],
    )
    issuer.issue(
        folder / FRONT_PROXY,
        [x509.NameAttribute(NameOID.COMMON_NAME, "front-proxy-client")],
        [ExtendedKeyUsageOID.CLIENT_AUTH],
    )
    controllers = folder / CONTROLLERS
    controllers.mkdir(exist_ok=True)
    issuer.issue(
        controllers / "tls",
        [x509.NameAttribute(NameOID.COMMON_NAME, "controllers")],
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        _CONTROLLER_NAMES,
    )
    _write(controllers / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))

    accounts = _new_key()
    _write(folder / "service-accounts.key", _private(accounts))
    _write(
        folder / "service-accounts.pub",
        accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )


class _Issuer:
    """Signs certificates in the name of the cluster's CA."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, name: x509.Name) -> None:
        self._key = key
        self._name = name

    def issue(
        self,
        file: Path,
        subject: list[x509.NameAttribute[str]],
        usage: list[x509.ObjectIdentifier],
        names: Sequence[str] = (),
    ) -> None:
        """Write `.crt` and `.key` at *file*; for *names* and 127.0.0.1, if it is for a server."""
        key = _new_key()
        certificate = _builder(x509.Name(subject), self._name, key).add_extension(
            x509.ExtendedKeyUsage(usage), critical=False
        )
        if names:
            alternatives = [x509.DNSName(name) for name in names]
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            certificate = certificate.add_extension(
                x509.SubjectAlternativeName([*alternatives, address]), critical=False
            )
        signed = certificate.sign(self._key, hashes.SHA256())
        _write(file.with_suffix(".crt"), signed.public_bytes(serialization.Encoding.PEM))
        _write(file.with_suffix(".key"), _private(key))


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
