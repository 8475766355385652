"""Names that Kubernetes and the DNS accept, and single lines of text, as types of fields.

The rules are those of apimachinery, pkg/util/validation/validation.go of v0.36.3.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Final

from base.words import Words

LONGEST_LABEL: Final = 63
"""Characters of a label of RFC 1123, of a Service's name, and of a label's value."""
LONGEST_NAME: Final = 253
"""Characters of a subdomain of RFC 1123, the form of most names."""
AUTO: Final = "-01234567"
"""What the Kubernetes provider appends to a name: a hyphen and eight hexadecimal digits."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_VALUE = "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
# The last label has a letter: with digits alone a URL would name an IPv4 address.
_HOST = r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+(?=[-0-9]*[a-z])[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LOWER = "lower-case letters, digits and hyphens"


def _renamed(first: str, longest: int) -> Callable[[str], str | None]:
    """The change that names the nearest name of the form: without accents, spaces or capitals."""

    def change(text: str) -> str | None:
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
        near = re.sub("[^a-z0-9]+", "-", plain).lstrip(f"-{first}")[:longest].strip("-")
        return f"Rename it, for example to {near}." if near else None

    return change


def label(longest: int) -> Words:
    """A label of RFC 1123 with at most *longest* characters."""
    allowed = f"{_LOWER}, without a hyphen at either end"
    return Words(_LABEL, allowed, longest, _renamed("", longest))


def service(longest: int) -> Words:
    """A name that Services may have, RFC 1035, with at most *longest* characters."""
    allowed = f"{_LOWER}, a letter first and no hyphen last"
    return Words(_SERVICE, allowed, longest, _renamed("0123456789", longest))


Label = Annotated[str, label(LONGEST_LABEL)]
"""A label of RFC 1123, such as the name of a namespace."""

Subdomain = Annotated[str, Words(_SUBDOMAIN, f"labels of {_LOWER}, joined by dots", LONGEST_NAME)]
"""Labels of RFC 1123 joined by dots, the form of most names."""

LabelSubdomain = Annotated[
    str, Words(_SUBDOMAIN, f"labels of {_LOWER}, joined by dots", LONGEST_LABEL)
]
"""A subdomain that is also the value of a label."""

LabelValue = Annotated[
    str,
    Words(
        _VALUE,
        "letters, digits, hyphens, dots and underscores, with a letter or digit at both ends",
        LONGEST_LABEL,
    ),
]
"""The value of a label, not empty."""

AnyLabelValue = Annotated[
    str,
    Words(
        f"({_VALUE})?",
        "empty, or letters, digits, hyphens, dots and underscores, with a letter or digit at both"
        " ends",
        LONGEST_LABEL,
    ),
]
"""The value of a label."""

LabelKey = Annotated[
    str,
    Words(
        _KEY,
        "a name of letters, digits, hyphens, dots and underscores, optionally after a domain and /",
        LONGEST_NAME + 1 + LONGEST_LABEL,
    ),
]
"""The key of a label, and the form of other qualified names."""

Host = Annotated[
    str, Words(_HOST, f"a host name such as ai.example.org: labels of {_LOWER}", LONGEST_NAME)
]
"""A host name with a domain, which no URL takes for an address."""


def line(longest: int) -> Words:
    """One line of text, without control characters, with at most *longest* characters."""
    unseen = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
    # Not at the ends: YAML keeps a space there only in quotes, and people do not see it.
    return Words(
        rf"[^\s{unseen}]([^{unseen}]*[^\s{unseen}])?",
        "one line of text, without control characters, with no space at either end",
        longest,
    )
