# LiteLLM and what it brings are in its image only.
# pyright: reportMissingImports=false
"""Who a caller of the router is: a team by its key, or a person by a token of the realm.

LiteLLM loads it (`general_settings.custom_auth`) from the directory of its configuration, where
`identities.json` (written by components/models/router_config.py: issuer, audience, limits of the
teams, SHA-256 of their keys) and `realm.pem` (the realm's public key) lie beside it. Whoever is
unknown gets 401; a person in no team gets 403.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

_HERE = Path(__file__).parent
_IDENTITIES: dict[str, Any] = json.loads((_HERE / "identities.json").read_text())
_REALM_KEY = (_HERE / "realm.pem").read_text()
_DOTS_OF_A_TOKEN = 2
_NO_KEY = 401, "no API key or token was sent"
_UNKNOWN_KEY = 401, "unknown API key"
_NO_USER = 401, "token refused: it names no user"
_NO_TEAM = 403, "this user is in no team that may use the models"


async def user_api_key_auth(request: Request, api_key: str | None) -> UserAPIKeyAuth:  # noqa: ARG001 - LiteLLM's signature
    """The team of *api_key*, which is what came as bearer; ProxyException for anybody else."""
    if not api_key:
        raise _refusal(*_NO_KEY)
    if api_key.count(".") == _DOTS_OF_A_TOKEN:
        return _of_token(api_key)
    digest = _digest(api_key)
    team: str | None = None
    for known, name in _IDENTITIES["keys"].items():  # all of them: time tells nothing
        if hmac.compare_digest(known, digest):
            team = name
    if team is None:
        raise _refusal(*_UNKNOWN_KEY)
    return _member(team, team, digest)


def _of_token(token: str) -> UserAPIKeyAuth:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _REALM_KEY,
            algorithms=["RS256"],
            audience=_IDENTITIES["audience"],
            issuer=_IDENTITIES["issuer"],
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.PyJWTError as problem:
        raise _refusal(401, f"token refused: {type(problem).__name__}") from None
    user = claims.get("sub") or claims.get("preferred_username")
    if not user:
        raise _refusal(*_NO_USER)
    for group in claims.get("groups", []):
        team = group.removeprefix("/")  # Keycloak may give the full path of a group
        if team in _IDENTITIES["teams"]:
            return _member(team, user, _digest(user))
    raise _refusal(*_NO_TEAM)


def _member(team: str, user: str, digest: str) -> UserAPIKeyAuth:
    limits = _IDENTITIES["teams"][team]
    return UserAPIKeyAuth(
        api_key=digest,
        user_id=user,
        team_id=team,
        team_alias=team,
        models=limits["models"],
        team_models=limits["models"],
        team_tpm_limit=limits["tokens_per_minute"],
        team_rpm_limit=limits["requests_per_minute"],
        user_role=LitellmUserRoles.INTERNAL_USER,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _refusal(code: int, message: str) -> ProxyException:
    return ProxyException(message=message, type="auth_error", param=None, code=code)
