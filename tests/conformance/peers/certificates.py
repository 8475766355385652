"""Keys and certificates in the formats that the stack passes to its programs."""

import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sim.pki import CLIENT, SERVER, Authority

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
    by its own authority, in the formats of `components.common.pki`.
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
        authority = Authority("private AI test authority")
        issued = authority.issue("localhost", [SERVER, CLIENT], ("localhost", *hosts))
        made = Certificates(folder)
        made.authority.write_bytes(authority.own.certificate)
        made.certificate.write_bytes(issued.certificate)
        made.key.write_bytes(issued.key)
        made.key.chmod(0o600)
        return made
