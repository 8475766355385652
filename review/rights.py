"""The rights of a team, of the chat and of access tokens, in words."""

from collections.abc import Callable, Sequence
from typing import Literal

from review.report import Access, Report, Rights
from review.wording import number

Mark = Callable[[str], str]
"""Marks a name from the configuration: as code, or not at all."""


def changed(report: Report) -> list[Access]:
    """What changes, new rights first."""
    return [access for access in report.access if access.op != "same"]


def unchanged(report: Report) -> list[Access]:
    """What stays as it is."""
    return [access for access in report.access if access.op == "same"]


def not_recorded(report: Report) -> str:
    """A sentence if the deployed version did not record rights; else empty."""
    sides = [side for a in report.access for side in (a.before, a.after) if side]
    if all(side.recorded for side in sides):
        return ""
    return "The deployed version recorded which teams there are, not what they may do."


def subject(access: Access, mark: Mark) -> str:
    """`new team X`, `team X is removed`, `people in the chat, together`."""
    who = {
        "team": f"team {mark(access.name)}",
        "chat": f"all people in the chat ({mark(access.name)}) together",
        "access tokens": "all access tokens together",
    }[access.who]
    if access.op == "delete":
        return f"{who} is removed"
    return f"new {who}" if access.op == "create" and access.who == "team" else who


def details(access: Access, mark: Mark) -> list[str]:
    """What it may do, and what of it is new, each in words."""
    old, new = access.before, access.after
    if new is None:
        return [*_key(access, mark), *_realm(access, mark)]
    if access.op == "update" and old and old.recorded:
        return [*_moved(old, new, mark), *_key(access, mark)]
    return [*_whole(access, new, mark), *_key(access, mark), *_realm(access, mark)]


def models(rights: Rights | None, mark: Mark) -> str:
    """What is asked of which models; empty if there are no rights, or none recorded."""
    return _models(rights, mark) if rights and rights.recorded else ""


def limit(rights: Rights | None, of: Literal["tokens", "requests"]) -> str:
    """A limit per minute; empty if there is none."""
    if rights is None:
        return ""
    value = rights.tokens_per_minute if of == "tokens" else rights.requests_per_minute
    return "" if value is None else number(value)


def sentence(access: Access, mark: Mark) -> str:
    """All of it in one sentence."""
    return f"{subject(access, mark)}: {'; '.join(details(access, mark))}"


def _whole(access: Access, rights: Rights, mark: Mark) -> list[str]:
    if not rights.recorded:
        return ["its models and limits are not recorded"]
    found = [f"may ask {_models(rights, mark)}"]
    limits = [
        f"{number(limit)} {what} per minute"
        for limit, what in (
            (rights.tokens_per_minute, "tokens"),
            (rights.requests_per_minute, "requests"),
        )
        if limit is not None
    ]
    found += [" and ".join(limits)] if limits else []
    if access.who == "chat" and rights.new_users:
        found.append(f"a new user has the role {mark(rights.new_users)}")
    return found


def _models(rights: Rights, mark: Mark) -> str:
    if rights.models is None:
        return "the models of each person's team"
    return f"{'every model: ' if rights.every_model else ''}{_listed(rights.models, mark)}"


def _moved(old: Rights, new: Rights, mark: Mark) -> list[str]:
    before, after = old.models or [], new.models or []
    gained = [name for name in after if name not in before]
    lost = [name for name in before if name not in after]
    found = [f"may now ask {_listed(gained, mark)}"] if gained else []
    found += [f"may no longer ask {_listed(lost, mark)}"] if lost else []
    if new.every_model != old.every_model:
        found.append(
            "from now on every model, later ones too"
            if new.every_model
            else f"from now on these models alone: {_listed(after, mark)}"
        )
    limits = (
        ("tokens", old.tokens_per_minute, new.tokens_per_minute),
        ("requests", old.requests_per_minute, new.requests_per_minute),
    )
    found += [
        f"{number(was)} → {number(now)} {what} per minute"
        for what, was, now in limits
        if was != now
    ]
    if old.new_users != new.new_users:
        found.append(f"role of a new user {mark(old.new_users)} → {mark(new.new_users)}")
    return found


def _key(access: Access, mark: Mark) -> list[str]:
    secret = f"Secret {mark(access.key)}"
    return {
        "create": [f"one new API key ({secret})"],
        "replace": [f"its API key is replaced, the old one stops working ({secret})"],
        "delete": [f"its API key stops working ({secret})"],
    }.get(access.key_op, [])


def _realm(access: Access, mark: Mark) -> list[str]:
    """The group that people of the team are in, and the client of its programs: auth/realm.py."""
    if access.who != "team" or access.op == "same":
        return []
    both = f"group {mark(access.name)} and client {mark(f'api-{access.name}')} of Keycloak"
    if access.op == "delete":
        return [f"{both} stay until they are deleted by hand"] if access.by_hand else []
    how = ", to be made by hand: Keycloak imports its realm only once" if access.by_hand else ""
    return [f"{both} for sign-in{how}"]


def _listed(names: Sequence[str], mark: Mark) -> str:
    marked = [mark(name) for name in names]
    if not marked:
        return "no model"
    return " and ".join(filter(None, (", ".join(marked[:-1]), marked[-1])))
