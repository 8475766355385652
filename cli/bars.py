"""The memory of a GPU as a bar: weights, KV cache, overhead, free."""

from typing import Final, NamedTuple

from rich.text import Text

from base.units import GB

WIDTH: Final = 16
"""Width of one GPU, characters."""


class Part(NamedTuple):
    """One part of a bar; marks differ too, for terminals and logs without color."""

    name: str
    mark: str
    style: str


WEIGHTS: Final = Part("weights", "█", "blue")
CACHE: Final = Part("KV cache", "▓", "green")
OVERHEAD: Final = Part("overhead", "▒", "yellow")
FREE: Final = Part("free", "░", "dim")


def memory_bar(weights: int, cache: int, overhead: int, total: int) -> Text:
    """A bar of `total` bytes; what does not fit is cut off and named."""
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


def share_bar(taken: float, offered: float, unit: str) -> Text:
    """A bar of what is requested of *offered*, and both in numbers."""
    drawn = min(WIDTH, round(WIDTH * taken / offered)) if offered else WIDTH
    text = Text(WEIGHTS.mark * drawn, style=WEIGHTS.style)
    text.append(FREE.mark * (WIDTH - drawn), style=FREE.style)
    return text.append(f" {taken:.1f} of {offered:.0f} {unit}", style="default")


def legend() -> Text:
    """The legend of the bars."""
    text = Text()
    for part in (WEIGHTS, CACHE, OVERHEAD, FREE):
        text.append(part.mark, style=part.style)
        text.append(f" {part.name}  ")
    return text


def gigabytes(size: int) -> str:
    """Bytes in decimal gigabytes, as disks and models are sold: `75.2 GB`."""
    return f"{size / GB:.1f} GB"


def number(value: float | None) -> str:
    """A whole number with spaces between thousands; a dash for None."""
    return "-" if value is None else f"{value:,.0f}".replace(",", " ")
