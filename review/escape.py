"""Text from a diff, which may be anything, made inert in a forge's Markdown.

Inside code no forge resolves mentions, links, HTML, emoji or commands; nothing here lets text out
of it.
"""

import html
import re

from review.wording import visible

NAME = 120
"""Characters quoted of a name."""
SENTENCE = 300
"""Characters quoted of a value or a sentence."""
_WORDS = re.compile(r"[A-Za-z0-9 ,']{0,300}")


def code(text: str, longest: int = NAME) -> str:
    """*text*, which may be anything, as one inline code span, in a table too."""
    line = " ".join(visible(text).split())
    if len(line) > longest:
        line = f"{line[: longest - 1]}…"
    runs = re.findall(r"`+", line)
    ticks = "`" * (max(map(len, runs), default=0) + 1)
    pad = " " if line[:1] in ("`", "") or line[-1:] == "`" else ""
    line = line or "(empty)"
    return f"{ticks}{pad}{line}{pad}{ticks}"


def prose(text: str) -> str:
    """*text* as it is where it is plain words, in which a forge finds nothing; else as code.

    Even the sentences of this program are not trusted: a report may come from a file.
    """
    return text if _WORDS.fullmatch(text) else code(text, SENTENCE)


def inert(text: str) -> str:
    """*text* as HTML code, for where Markdown is not read: a `summary`."""
    line = " ".join(visible(text).split())[:NAME]
    return f"<code>{html.escape(line)}</code>"


def fence(text: str, language: str = "text", longest: int | None = None) -> str:
    """*text* as a block of code whose fence nothing in it can close."""
    shown = visible(text)
    if longest is not None and len(shown) > longest:
        shown = f"{shown[: longest - 1]}…"
    runs = re.findall(r"`+", shown)
    ticks = "`" * max(3, max(map(len, runs), default=0) + 1)
    return f"{ticks}{language}\n{shown}\n{ticks}"


def indented(text: str) -> str:
    """*text* as a part of a list item."""
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
