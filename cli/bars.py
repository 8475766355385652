"""Memory of a GPU as a bar: what the weights, the cache and the rest take of it."""

from typing import Final, NamedTuple

from rich.text import Text

WIDTH: Final = 16
"""Characters of a whole GPU."""

_GB: Final = 1e9


class Part(NamedTuple):
    """One part of a bar; shapes differ too, for terminals and logs without colour."""

    name: str
    mark: str
    style: str


WEIGHTS: Final = Part("weights", "█", "blue")
CACHE: Final = Part("KV cache", "▓", "green")
OVERHEAD: Final = Part("overhead", "▒", "yellow")
FREE: Final = Part("free", "░", "dim")


def memory_bar(weights: int, cache: int, overhead: int, total: int) -> Text:
    """A bar of `total` bytes; what does not fit is cut off, and said."""
    text, upto, drawn = Text(), 0, 0
    for part, size in ((WEIGHTS, weights), (CACHE, cache), (OVERHEAD, overhead)):
        upto += size
        until = min(WIDTH, round(WIDTH * upto / total))
        text.append(part.mark * (until - drawn), style=part.style)
        drawn = until
    text.append(FREE.mark * (WIDTH - drawn), style=FREE.style)
    if upto > total:
        text.append(f" {gigabytes(upto - total)} over", style="red")
    return text


def legend() -> Text:
    """What the marks of the bars stand for."""
    text = Text()
    for part in (WEIGHTS, CACHE, OVERHEAD, FREE):
        text.append(part.mark, style=part.style)
        text.append(f" {part.name}  ")
    return text


def gigabytes(size: int) -> str:
    """Bytes in decimal gigabytes, as disks and models are sold: `75.2 GB`."""
    return f"{size / _GB:.1f} GB"


def number(value: float | None) -> str:
    """A whole number with its thousands apart; a dash where there is none."""
    return "-" if value is None else f"{value:,.0f}".replace(",", " ")
