"""Keys and certificates in the very forms in which the stack hands them to its programs."""

import datetime as dt
import ssl
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NO_PASSWORD = serialization.NoEncryption()


@dataclass(frozen=True)
class RsaKey:
    """A key pair as pulumi-tls's PrivateKey outputs it."""

    private_key_pem: str
    """PKCS 1, `BEGIN RSA PRIVATE KEY`."""
    private_key_pem_pkcs8: str
    public_key_pem: str

    @staticmethod
    def generate() -> "RsaKey":
        """A new pair of 2048 bits."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pkcs1, pkcs8 = (
            key.private_bytes(serialization.Encoding.PEM, form, _NO_PASSWORD).decode()
            for form in (
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.PrivateFormat.PKCS8,
            )
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return RsaKey(pkcs1, pkcs8, public.decode())


@dataclass(frozen=True)
class Certificates:
    """A folder like the stack's certificate Secrets: `tls.crt`, `tls.key` (PKCS 8), `ca.crt`.

    The certificate is for `localhost`, 127.0.0.1 and a few names more, on the P-256 curve, signed
    by an authority of its own, as `components.pki` makes them.
    """

    folder: Path

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "tls.key"

    @property
    def authority(self) -> Path:
        """What clients trust."""
        return self.folder / "ca.crt"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """For a client that trusts that authority and no other."""
        return ssl.create_default_context(cafile=str(self.authority))

    @staticmethod
    def issue(folder: Path, *hosts: str) -> "Certificates":
        """Make the three files in *folder*."""
        folder.mkdir(parents=True, exist_ok=True)
        issuer_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        issuer = _name("private AI test authority")
        authority = (
            _builder(issuer, issuer, issuer_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(issuer_key, hashes.SHA256())
        )
        names: list[x509.GeneralName] = [
            *(x509.DNSName(host) for host in ("localhost", *hosts)),
            x509.IPAddress(IPv4Address("127.0.0.1")),
        ]
        certificate = (
            _builder(_name("localhost"), issuer, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .sign(issuer_key, hashes.SHA256())
        )
        made = Certificates(folder)
        made.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _NO_PASSWORD
            )
        )
        made.key.chmod(0o600)
        return made


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
    )
