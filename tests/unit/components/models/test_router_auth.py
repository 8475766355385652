"""Whom the router lets in: LiteLLM and PyJWT are stand-ins here, real in tests/conformance."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from components.common import scripts
from components.models.router_config import identities
from config.settings.teams import Team

ISSUER = "https://auth.test/realms/intelligence-privee"


NO_TEAM = "the user is not a member of any team with access to the models"


class Refused(Exception):  # noqa: N818 - it stands for another's class
    """LiteLLM's ProxyException."""

    def __init__(self, message: str, code: int, **_: Any) -> None:
        super().__init__(message)
        self.code = code


class InvalidTokenError(Exception):
    """PyJWT's base of what is wrong with a token."""


class Door:
    """The script, loaded as LiteLLM loads it, with what PyJWT says about a token."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.claims: dict[str, Any] | Exception = InvalidTokenError("signature")
        self.checked: dict[str, Any] = {}
        known = identities(
            {"finance": Team(models=["chat"], tokens_per_minute=200), "research": Team()},
            {"finance": "sk-finance", "research": "sk-research"},
            issuer=ISSUER,
            audience="llm-api",
        )
        (directory / "identities.json").write_text(json.dumps(known))
        (directory / "realm.pem").write_text("public key")
        (directory / "router_auth.py").write_text(
            scripts.source("components.models", "router_auth.py")
        )
        for name, content in {
            "jwt": {"decode": self._decode, "PyJWTError": InvalidTokenError},
            "fastapi": {"Request": object},
            "litellm": {},
            "litellm.proxy": {},
            "litellm.proxy._types": {
                "LitellmUserRoles": SimpleNamespace(INTERNAL_USER="internal_user"),
                "ProxyException": Refused,
                "UserAPIKeyAuth": SimpleNamespace,
            },
        }.items():
            module = ModuleType(name)
            module.__dict__.update(content)
            monkeypatch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location("script", directory / "router_auth.py")
        assert spec
        assert spec.loader
        self._script: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._script)

    def _decode(self, token: str, key: str, **checks: Any) -> dict[str, Any]:
        self.checked = {"token": token, "key": key, **checks}
        if isinstance(self.claims, Exception):
            raise self.claims
        return self.claims

    def ask(self, api_key: str | None) -> Any:
        """The caller that LiteLLM gets."""
        return asyncio.get_event_loop().run_until_complete(
            self._script.user_api_key_auth(None, api_key)
        )


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(tmp_path, monkeypatch)


def test_a_teams_key_brings_the_teams_models_and_limits(door: Door) -> None:
    caller = door.ask("sk-finance")

    assert caller.team_id == "finance"
    assert caller.models == ["chat"]
    assert caller.team_tpm_limit == 200
    assert caller.user_role == "internal_user"


@pytest.mark.parametrize("api_key", [None, "", "sk-nobody", "sk-financ", "sk-finance "])
def test_an_unknown_key_is_refused_with_401(door: Door, api_key: str | None) -> None:
    with pytest.raises(Refused) as refusal:
        door.ask(api_key)

    expected = "invalid API key" if api_key else "missing API key or access token"
    assert (refusal.value.code, str(refusal.value)) == (401, expected)


def test_a_refusal_does_not_repeat_the_key(door: Door) -> None:
    with pytest.raises(Refused) as refusal:
        door.ask("sk-nobody")

    assert "sk-nobody" not in str(refusal.value)


def test_the_hash_of_a_key_is_no_key(door: Door) -> None:
    digest = door.ask("sk-finance").api_key

    with pytest.raises(Refused):
        door.ask(digest)


def test_a_token_is_checked_for_algorithm_issuer_audience_and_end(door: Door) -> None:
    door.claims = {"sub": "u1", "groups": ["finance"]}
    door.ask("a.b.c")

    assert door.checked == {
        "token": "a.b.c",
        "key": "public key",
        "algorithms": ["RS256"],
        "issuer": ISSUER,
        "audience": "llm-api",
        "options": {"require": ["exp", "iss", "aud"]},
    }


@pytest.mark.parametrize("groups", [["finance"], ["/finance"], ["staff", "/finance"]])
def test_a_person_asks_in_the_name_of_their_team(door: Door, groups: list[str]) -> None:
    door.claims = {"sub": "u1", "groups": groups}
    caller = door.ask("a.b.c")

    assert caller.team_id == "finance"
    assert caller.user_id == "u1"


def test_a_person_without_a_subject_goes_by_their_user_name(door: Door) -> None:
    door.claims = {"preferred_username": "marie", "groups": ["research"]}

    assert door.ask("a.b.c").user_id == "marie"


@pytest.mark.parametrize(
    ("claims", "code", "message"),
    [
        (InvalidTokenError("signature"), 401, "invalid access token: InvalidTokenError"),
        ({"groups": ["finance"]}, 401, "invalid access token: no user in it"),
        ({"sub": "u1", "groups": ["staff", "/finance/sub"]}, 403, NO_TEAM),
        ({"sub": "u1"}, 403, NO_TEAM),
    ],
)
def test_a_token_that_proves_no_team_is_refused(
    door: Door, claims: dict[str, Any] | Exception, code: int, message: str
) -> None:
    door.claims = claims
    with pytest.raises(Refused) as refusal:
        door.ask("a.b.c")

    assert (refusal.value.code, str(refusal.value)) == (code, message)
