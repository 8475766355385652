"""Escape untrusted text for the Markdown of a forge.

Forges do not resolve mentions, links, HTML, emoji or commands inside code, so untrusted text always
stays in code.
"""

import html
import re

from review.wording import visible

NAME = 120
"""Maximum characters quoted of a name."""
SENTENCE = 300
"""Maximum characters quoted of a value or sentence."""
_WORDS = re.compile(r"[A-Za-z0-9 ,']{0,300}")


def code(text: str, longest: int = NAME) -> str:
    """Untrusted *text* as one inline code span, also inside tables."""
    line = " ".join(visible(text).split())
    if len(line) > longest:
        line = f"{line[: longest - 1]}…"
    runs = re.findall(r"`+", line)
    ticks = "`" * (max(map(len, runs), default=0) + 1)
    pad = " " if line[:1] in ("`", "") or line[-1:] == "`" else ""
    line = line or "(empty)"
    return f"{ticks}{pad}{line}{pad}{ticks}"


def prose(text: str) -> str:
    """*text* unchanged if it is plain words, which no forge interprets; else as code.

    The program's own sentences are untrusted too: a report may come from a file.
    """
    return text if _WORDS.fullmatch(text) else code(text, SENTENCE)


def inert(text: str) -> str:
    """*text* as HTML code, for elements without Markdown, such as `summary`."""
    line = " ".join(visible(text).split())[:NAME]
    return f"<code>{html.escape(line)}</code>"


def fence(text: str, language: str = "text", longest: int | None = None) -> str:
    """*text* as a code block whose fence it cannot close."""
    shown = visible(text)
    if longest is not None and len(shown) > longest:
        shown = f"{shown[: longest - 1]}…"
    runs = re.findall(r"`+", shown)
    ticks = "`" * max(3, max(map(len, runs), default=0) + 1)
    return f"{ticks}{language}\n{shown}\n{ticks}"


def indented(text: str) -> str:
    """*text* indented as part of a list item."""
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
