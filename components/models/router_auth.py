# LiteLLM and its dependencies are only in its image.
# pyright: reportMissingImports=false
"""Authentication at the router: a team by its API key, a person by an access token of the realm.

LiteLLM loads it (`general_settings.custom_auth`) from the directory of its configuration, with
`identities.json` (from components/models/router_config.py: issuer, audience, limits of the teams,
SHA-256 of their keys) and `realm.pem` (public key of the realm) beside it. Invalid credentials get
401; a person without a team gets 403.
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
_DOTS_IN_JWT = 2
_NO_KEY = 401, "missing API key or access token"
_UNKNOWN_KEY = 401, "invalid API key"
_NO_USER = 401, "invalid access token: no user in it"
_NO_TEAM = 403, "the user is not a member of any team with access to the models"


async def user_api_key_auth(request: Request, api_key: str | None) -> UserAPIKeyAuth:  # noqa: ARG001 - LiteLLM's signature
    """The team of *api_key*, the bearer credential; ProxyException if it is not valid."""
    if not api_key:
        raise _refusal(*_NO_KEY)
    if api_key.count(".") == _DOTS_IN_JWT:
        return _of_token(api_key)
    digest = _digest(api_key)
    team: str | None = None
    for known, name in _IDENTITIES["keys"].items():  # all of them: constant time
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
        raise _refusal(401, f"invalid access token: {type(problem).__name__}") from None
    user = claims.get("sub") or claims.get("preferred_username")
    if not user:
        raise _refusal(*_NO_USER)
    for group in claims.get("groups", []):
        team = group.removeprefix("/")  # Keycloak may send the full path of a group
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
