"""Looking into a signed token, and signing one oneself."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tests.conformance.peers.certificates import RsaKey
from tests.conformance.peers.keycloak import Keycloak


def of_team(identity: Keycloak, realm: Mapping[str, Any], team: str) -> str:
    """A token for the account that *realm* (a realm file) gives the programs of *team*."""
    [client] = [entry for entry in realm["clients"] if entry["clientId"] == f"api-{team}"]
    answer = identity.token(realm["realm"], client["clientId"], client["secret"])
    assert "access_token" in answer, answer
    return str(answer["access_token"])


def claims(token: str) -> dict[str, Any]:
    """What *token* says."""
    return dict(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")))


def verify(token: str, public_key_pem: str) -> None:
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


def signed_by(key: RsaKey, token: str, **changes: Any) -> str:
    """What *token* says, with *changes*, signed with *key* instead."""
    private = load_pem_private_key(key.private_key_pem.encode(), password=None)
    assert isinstance(private, RSAPrivateKey)
    header = token.partition(".")[0]
    said = f"{header}.{_encoded(json.dumps(claims(token) | changes).encode())}"
    return f"{said}.{_encoded(private.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
