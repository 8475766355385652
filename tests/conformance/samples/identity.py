"""A LiteLLM `custom_auth` function: hashed API keys and Keycloak tokens, each to a team."""

# This runs inside LiteLLM's environment, which has these packages; the project's has not.
# pyright: basic, reportMissingImports=false
# mypy: ignore-errors
# ruff: noqa: EM101, EM102, TRY003
import hashlib
import json
from pathlib import Path
from typing import Any

import jwt
from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

_HERE = Path(__file__).parent
_POLICY: dict[str, Any] = json.loads((_HERE / "identity.json").read_text())
_REALM_KEY = (_HERE / "realm.pub").read_text()


async def authenticate(request: Request, api_key: str | None) -> UserAPIKeyAuth:  # noqa: ARG001
    """The team that *api_key* belongs to, or a refusal."""
    if not api_key:
        raise _refused("no API key")
    if api_key.count(".") == 2:
        claims = _claims(api_key)
        for group in claims.get("groups", []):
            if group in _POLICY["teams"]:
                return _member(group, claims["sub"], _digest(claims["sub"]))
        raise _refused("no team for this user", 403)
    entry = _POLICY["keys"].get(_digest(api_key))
    if entry is None:
        raise _refused("unknown API key")
    return _member(entry["team"], entry["name"], _digest(api_key))


def _claims(token: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            _REALM_KEY,
            algorithms=["RS256"],
            audience=_POLICY["audience"],
            issuer=_POLICY["issuer"],
        )
    except jwt.PyJWTError as problem:
        raise _refused(f"token refused: {type(problem).__name__}") from None


def _member(team: str, user: str, digest: str) -> UserAPIKeyAuth:
    rules = _POLICY["teams"][team]
    return UserAPIKeyAuth(
        api_key=digest,
        user_id=user,
        team_id=team,
        team_alias=team,
        models=rules["models"],
        team_models=rules["models"],
        team_tpm_limit=rules.get("tpm"),
        user_role=LitellmUserRoles.INTERNAL_USER,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _refused(message: str, code: int = 401) -> ProxyException:
    return ProxyException(message=message, type="auth_error", param=None, code=code)
