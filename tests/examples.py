"""How many examples an expensive property is tried with, and on which stacks."""

from hypothesis import settings

from tests import urns

_FEW = 100
"""Below it the run is a quick one, as of `make check`."""


def examples(most: int) -> settings:
    """A decorator: *most* examples, or fewer where the profile of the run wants fewer."""
    return settings(max_examples=min(most, settings().max_examples))


def stacks() -> list[str]:
    """Every stack and example; in a quick run two that have most kinds of pods between them."""
    return sorted(urns.files()) if settings().max_examples >= _FEW else ["multi-node", "prod"]
