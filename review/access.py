"""Who may ask which models, how much, and with which key: before and after.

Read from the stack's output `access` (`components.program.access_report`), since what enforces it
(identities.json of the router, Kong's consumers, Keycloak's realm) is in Secrets, whose differences
are never shown.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from review.changes import Change, Op
from review.reading import Object, mapping, number, values
from review.report import Access, Rights

_KEY = "team-{}-api-key"
"""Name, in the program, of a team's API key and of the Secret with it:
components/models/llm_router.py."""
_PASSWORD = "RandomPassword"  # noqa: S105 - a kind
_IDENTITY_PROVIDER = "Keycloak"
_CHAT, _TOKENS = "open-webui", "access tokens"
_Kind = tuple[Literal["team", "chat", "access tokens"], str]
"""Whose rights, and the name."""
_ORDER = ("create", "delete", "update", "same")


def access(changes: Iterable[Change], before: Object, after: Object) -> list[Access]:
    """The rights of every team, of the chat and of access tokens; new ones first.

    *before* and *after* are the outputs of the stack. A version that did not record rights shows
    only which teams it had (`team_keys`).
    """
    known = list(changes)
    old, new = _rights(before), _rights(after)
    imported = any(
        c.component_kind == _IDENTITY_PROVIDER and c.op in ("same", "update", "replace")
        for c in known
    )
    keys = {(c.kind, c.name): c.op for c in known if c.kind in ("Secret", _PASSWORD)}
    found = [_access(kind, old.get(kind), new.get(kind), keys, imported) for kind in {**old, **new}]
    return sorted(found, key=lambda a: (_ORDER.index(a.op), a.who != "team", a.name))


def _rights(outputs: Object) -> dict[_Kind, Rights]:
    record = mapping(outputs, "access")
    served = _names(record, "models")
    teams = mapping(record, "teams") or {key: {} for key in mapping(outputs, "team_keys")}
    found: dict[_Kind, Rights] = {("team", name): _of(team, served) for name, team in teams.items()}
    if chat := mapping(record, "chat"):
        found["chat", _CHAT] = _of(chat, served)
    if tokens := mapping(record, "access_tokens"):
        found["access tokens", _TOKENS] = _of(tokens, []).model_copy(update={"models": None})
    return found


def _of(limits: Any, served: list[str]) -> Rights:  # noqa: ANN401 - JSON
    own = _names(limits, "models")
    return Rights(
        recorded=bool(limits),
        models=own or served,
        every_model=bool(limits) and not own,
        tokens_per_minute=_limit(limits, "tokens_per_minute"),
        requests_per_minute=_limit(limits, "requests_per_minute"),
        new_users=str(limits.get("new_users", "")) if isinstance(limits, Mapping) else "",
    )


def _names(node: Any, key: str) -> list[str]:  # noqa: ANN401 - JSON
    return [str(name) for name in values(node, key)]


def _limit(node: Any, key: str) -> int | None:  # noqa: ANN401 - JSON
    return int(number(node, key)) or None


def _access(
    kind: _Kind,
    old: Rights | None,
    new: Rights | None,
    keys: Mapping[tuple[str, str], Op],
    imported: bool,  # noqa: FBT001 - private
) -> Access:
    who, name = kind
    key = _KEY.format(name)
    key_op: Op | None = None
    if who != "access tokens" and ("Secret", key) in keys:
        # A Secret is also replaced where the key in it stays.
        made = keys.get((_PASSWORD, key), "same")
        key_op = keys["Secret", key] if keys["Secret", key] in ("create", "delete") else made
    op = "create" if old is None else "delete" if new is None else "same"
    if old and new and ((old.recorded and old != new) or key_op in ("create", "replace")):
        op = "update"
    return Access(
        who=who,
        name=name,
        op=op,
        before=old,
        after=new,
        key=key if key_op else "",
        key_op=key_op or "same",
        by_hand=who == "team" and imported and op in ("create", "delete"),
    )
