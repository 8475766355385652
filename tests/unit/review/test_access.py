"""Who may ask which models, how much and with which key, in words."""

from typing import Any

import pytest

from review.html import page
from review.markdown import Forge, markdown
from review.report import Access, Report, Rights
from review.rights import not_recorded, sentence
from review.terminal import rendered
from tests.unit.review.review_support import of_events, reviewed, step

CANARY = "sk-c4n4ry-of-a-team-key-0123456789"
LIMITS = {"tokens_per_minute": 500_000, "requests_per_minute": 600}


def _outputs(teams: dict[str, Any], *served: str, **more: Any) -> dict[str, Any]:
    keys = {team: f"team-{team}-api-key-0a1b2c3d" for team in teams}
    models = list(served or ("chat", "embeddings"))
    return {"team_keys": keys, "access": {"models": models, "teams": teams, **more}}


def _stack(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    states = {"old": {"outputs": old}, "new": {"outputs": new}}
    return {"resOutputsEvent": {"metadata": {"type": "pulumi:pulumi:Stack", **states}}}


def _keycloak() -> dict[str, Any]:
    """The identity provider, which stays: its realm is there."""
    event = step("apps/v1:Deployment", "keycloak", old={"spec": {}}, new={"spec": {}}, op="same")
    metadata = event["resourcePreEvent"]["metadata"]
    parent = "urn:pulumi:test::private-ai::private-ai:index:Keycloak::keycloak"
    for side in ("old", "new"):
        metadata[side]["parent"] = parent
    return event


def _secret(team: str, **sides: Any) -> dict[str, Any]:
    return step("core/v1:Secret", f"team-{team}-api-key", **sides)


def _password(team: str, **sides: Any) -> dict[str, Any]:
    return step("random:index/randomPassword:RandomPassword", f"team-{team}-api-key", **sides)


KEY = {"stringData": {"api-key": CANARY}}
NEW_TEAM = (
    _stack(
        _outputs({"direction": LIMITS}),
        _outputs({"direction": LIMITS, "research": {**LIMITS, "models": ["chat", "embeddings"]}}),
    ),
    _secret("research", new=KEY),
    _password("research", new={"length": 40}),
    _keycloak(),
)
IN_WORDS = (
    "new team research: may ask chat and embeddings; 500\u00a0000 tokens per minute and"
    " 600 requests per minute; one new API key (Secret team-research-api-key); group research and"
    " client api-research of Keycloak for sign-in, to be made by hand: Keycloak imports its realm"
    " only once"
)


def _told(*events: dict[str, Any]) -> dict[str, Access]:
    return {access.name: access for access in of_events(*events).access}


def _words(*events: dict[str, Any]) -> list[str]:
    return [sentence(a, str) for a in of_events(*events).access if a.op != "same"]


def test_a_new_team_is_told_with_models_limits_and_key() -> None:
    assert _words(*NEW_TEAM) == [IN_WORDS]


def test_every_format_tells_it_and_none_tells_the_key() -> None:
    report = of_events(*NEW_TEAM)
    shown = {
        "terminal": rendered(report, width=1_000),
        "comment": markdown(report, Forge.GITHUB).replace("`", ""),
        "page": page(report).replace("<code>", "").replace("</code>", ""),
        "JSON": report.model_dump_json(),
    }

    assert {name for name, text in shown.items() if CANARY in text} == set()
    assert IN_WORDS in shown["terminal"]
    assert IN_WORDS in shown["comment"]
    head, _, rest = IN_WORDS.partition(":")
    assert f"<strong>{head}</strong>:{rest}" in shown["page"]
    assert Report.model_validate_json(shown["JSON"]) == report


def test_the_identity_provider_imports_the_team_if_it_comes_too() -> None:
    [told] = _words(_stack({}, _outputs({"research": LIMITS})), _secret("research", new=KEY))

    assert told.endswith("group research and client api-research of Keycloak for sign-in")


def test_a_team_that_goes_leaves_what_keycloak_imported() -> None:
    gone = _stack(_outputs({"research": LIMITS}), _outputs({}))

    [told] = _words(gone, _secret("research", old=KEY), _keycloak())

    assert told == (
        "team research is removed: its API key stops working (Secret team-research-api-key);"
        " group research and client api-research of Keycloak stay until they are deleted by hand"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"models": ["chat"]}, {"models": ["embeddings"]}, "may now ask embeddings; may no longer"),
        ({"tokens_per_minute": 7}, {"tokens_per_minute": 8}, "7 → 8 tokens per minute"),
        ({"requests_per_minute": 7}, {"requests_per_minute": 8}, "7 → 8 requests per minute"),
        ({"models": ["chat", "embeddings"]}, {}, "from now on every model, later ones too"),
        ({}, {"models": ["chat", "embeddings"]}, "these models alone: chat and embeddings"),
    ],
)
def test_only_what_changes_of_a_team_is_told(
    old: dict[str, Any], new: dict[str, Any], words: str
) -> None:
    before, after = ({"a": {**LIMITS, **limits}} for limits in (old, new))

    [told] = _words(_stack(_outputs(before), _outputs(after)))

    assert words in told
    assert "500" not in told


def test_a_new_model_is_new_to_every_team_that_may_ask_all() -> None:
    teams = {"all": LIMITS, "some": {**LIMITS, "models": ["chat"]}}

    assert _words(_stack(_outputs(teams, "chat"), _outputs(teams, "chat", "code"))) == [
        "team all: may now ask code"
    ]


def test_a_key_is_replaced_only_if_a_new_one_is_made() -> None:
    same = _outputs({"a": LIMITS})
    moved = _secret("a", old=KEY, new={**KEY, "metadata": {"labels": {"x": "y"}}}, op="replace")
    kept = _password("a", old={"length": 40}, new={"length": 40}, op="same")
    made = _password("a", old={"length": 40}, new={"length": 41}, op="replace")

    assert _words(_stack(same, same), moved, kept) == []
    assert _words(_stack(same, same), moved, made) == [
        "team a: its API key is replaced, the old one stops working (Secret team-a-api-key)"
    ]


def test_the_chat_and_access_tokens_have_rights_too() -> None:
    def outputs(role: str, most: int) -> dict[str, Any]:
        chat = {**LIMITS, "new_users": role}
        return _outputs({}, chat=chat, access_tokens={"requests_per_minute": most})

    assert _words(_stack(outputs("pending", 1), outputs("user", 2))) == [
        "all access tokens together: 1 → 2 requests per minute",
        "all people in the chat (open-webui) together: role of a new user pending → user",
    ]


def test_of_a_version_that_recorded_teams_alone_only_new_and_removed_ones_are_told() -> None:
    old = {"team_keys": {"a": "team-a-api-key-0a1b2c3d", "b": "team-b-api-key-0a1b2c3d"}}
    report = of_events(_stack(old, _outputs({"a": LIMITS, "c": LIMITS})))

    assert {a.name: a.op for a in report.access} == {"c": "create", "b": "delete", "a": "same"}
    assert "recorded which teams there are" in not_recorded(report)


@pytest.mark.parametrize("op", ["create", "update", "delete", "same"])
@pytest.mark.parametrize("before", [None, {}, LIMITS])
@pytest.mark.parametrize("after", [None, {}, LIMITS])
def test_a_report_from_a_file_may_say_anything(op: Any, before: Any, after: Any) -> None:
    """`pai comment` renders what the code of a pull request wrote."""

    def rights(limits: dict[str, Any] | None) -> Rights | None:
        none = {"tokens_per_minute": None, "requests_per_minute": None}
        known = {"recorded": bool(limits), "models": None, "every_model": True}
        return None if limits is None else Rights.model_validate({**known, **none, **limits})

    access = Access(
        who="team",
        name="a",
        op=op,
        before=rights(before),
        after=rights(after),
        key="",
        key_op="same",
        by_hand=True,
    )
    report = reviewed("unchanged").model_copy(update={"access": [access]})

    assert page(report)
    assert rendered(report)
    assert markdown(report, Forge.GITHUB)


def test_the_recorded_preview_of_a_new_team_tells_it() -> None:
    [told] = [a for a in reviewed("team-added").access if a.op != "same"]

    assert (told.name, told.op, told.key_op, told.key) == (
        *("research", "create", "create"),
        "team-research-api-key",
    )
