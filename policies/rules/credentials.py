"""Recognize credentials by name and form. No value leaves this module."""

import re
from collections.abc import Iterator

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "secret", "token", "apikey"),
        *("credential", "credentials", "requirepass", "masterauth"),
    }
)
_SECRET_KEYS = frozenset(
    {"api", "access", "secret", "private", "master", "encryption", "signing", "salt", "license"}
)
"""Words before `key` that make it a credential."""
_ALONE = frozenset({"REDISCLI_AUTH"})
_HARMLESS = re.compile(r"(true|false|yes|no|on|off|none|null|\d{1,6}|\*+)?", re.IGNORECASE)
_FILE = re.compile(r"(file:|\.{0,2}/|~/)[\w./-]+")
_USERINFO = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]*:(?P<password>[^\s/@\"'<>]+)@", re.IGNORECASE
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
# The whole value must be a reference; a password may contain a dollar sign or a brace.
_REFERENCE = re.compile(
    r"(Bearer\s+)?(\$\{.*\}|\$\(.*\)|\$\w+|\{.*\}|<.*>|%\(\w+\)s|%\w+%"
    r"|(os\.environ|env|vault|ref\+\w+)[/:.].*)",
    re.DOTALL,
)
_ASSIGNMENT = re.compile(
    r"""^\s*(?:-\s+|export\s+|set\s+)?(?P<q>["']?)(?P<name>[A-Za-z_][\w.-]*)(?P=q)
        \s*(?:=|:)\s*(?P<value>"[^"]*"|'[^']*'|[^\s,;\#]+)\s*[,;]?\s*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)
_DIRECTIVE = re.compile(r"^\s*(?P<name>requirepass|masterauth)\s+(?P<value>\S+)\s*$", re.MULTILINE)
_FLAG = re.compile(r"(?:^|\s)--?(?P<name>[A-Za-z][\w.-]*)(?:[= ]\s*(?P<value>\S+))?")
_CODE = (".py", ".sh", ".js", ".mjs", ".lua", ".ts", ".go")


def names_secret(name: str) -> bool:
    """Whether the last words of *name*, in any case style, name a credential."""
    if name in _ALONE:
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    if words[-1] == "key":
        return len(words) > 1 and words[-2] in _SECRET_KEYS
    return words[-1] in _SECRET_WORDS


def is_literal(value: str) -> bool:
    """Whether *value* may be a credential itself, not a file, reference, switch or number."""
    text = value.strip().strip("\"'")
    return not (_HARMLESS.fullmatch(text) or _FILE.fullmatch(text) or _REFERENCE.fullmatch(text))


def embedded(value: str) -> str | None:
    """The kind of credential in *value*, whatever its name: a URL's password, a private key."""
    if _PEM.search(value):
        return "a private key"
    for match in _USERINFO.finditer(value):
        if is_literal(match["password"]):
            return "a URL with a password"
    return None


def assignments(file: str, text: str) -> Iterator[tuple[int, str]]:
    """Line and name of each credential assigned in a configuration file.

    In source code only quoted strings count: `token = read(path)` is not a credential.
    """
    code = file.endswith(_CODE)
    for pattern in (_ASSIGNMENT, _DIRECTIVE):
        for match in pattern.finditer(text):
            value = match["value"]
            if code and value[0] not in "\"'":
                continue
            if names_secret(match["name"]) and is_literal(value):
                yield text.count("\n", 0, match.start("name")) + 1, match["name"]


def flags(words: list[str]) -> Iterator[tuple[int, str]]:
    """Index and name of each command-line option that passes a credential.

    References count too: the value that the shell or the kubelet substitutes is in the process
    list. Paths of files do not count.
    """
    for i, word in enumerate(words):
        for match in _FLAG.finditer(word):
            value = match["value"]
            if value is None and match.end() == len(word) and i + 1 < len(words):
                value = words[i + 1]
            if value is None or value.startswith("-") or not names_secret(match["name"]):
                continue
            text = value.strip("\"'")
            if not _HARMLESS.fullmatch(text) and not _FILE.fullmatch(text):
                yield i, match["name"]
