"""Nothing secret gets past here: every value of a preview is cleaned as it is read.

The engine blinds what the program marked as secret. This also blinds what was not marked and
looks like a secret: the content of Secrets, values under telling names, and known token shapes.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

SECRET: Final = "[secret]"  # noqa: S105 - what stands for one
"""What the engine itself writes in the place of a secret."""

UNKNOWN: Final = "[known after the update]"

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SENTINELS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""How the engine's protocol writes a value (bool, text, number, list, map …) that only the update
will know: pulumi/sdk/go/common/resource/plugin/rpc.go."""

_NAMED = re.compile(
    r"(passw(or)?d|passphrase|token|api[-_]?key|private[-_]?key|secret[-_]?key|client[-_]?secret"
    r"|credentials?)$",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"(PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIALS?|API_?KEY)$")

_SHAPES = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a JWT
    re.compile(r"\b(sk|pk)-[\w-]{16,}"),
    re.compile(r"\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bhf_\w{20,}"),
    re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user:password of a URL
    re.compile(r"(?<=\bBearer )[\w.~+/-]{8,}=*"),
)

_ASSIGNED = re.compile(
    r"([\"']?[\w-]*(?:password|passwd|passphrase|token|api[-_]?key|secret[-_]?key)[\"']?\s*[:=]\s*)"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;}\[{]+)",
    re.IGNORECASE,
)
"""`"password": "…"` or `token=…` within a text, such as a file of a ConfigMap."""


def properties(type_: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs or outputs of a resource of Pulumi type *type_*, cleaned."""
    cleaned = clean(values)
    if type_ == "kubernetes:core/v1:Secret":
        for field in ("data", "stringData"):
            if field in cleaned:
                cleaned[field] = _blind(cleaned[field])
    return cleaned


def clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* with `SECRET` and `UNKNOWN` in the place of what is."""
    if isinstance(value, str):
        return UNKNOWN if value in _SENTINELS else text(value)
    if isinstance(value, Mapping):
        if _SIGNATURE in value:
            return SECRET
        variable = _VARIABLE.search(str(value.get("name", ""))) is not None
        return {
            text(str(key)): SECRET
            if isinstance(item, str) and (_NAMED.search(key) or (variable and key == "value"))
            else clean(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


@lru_cache(maxsize=4096)  # most values are in a preview four times: inputs and outputs, old and new
def text(said: str) -> str:
    """*said* without what has the shape of a credential."""
    for shape in _SHAPES:
        said = shape.sub(SECRET, said)
    return _ASSIGNED.sub(rf"\1{SECRET}", said)


def _blind(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {key: _blind(item) for key, item in value.items()}
    return value if value == UNKNOWN else SECRET
