"""How many examples an expensive property is tried with."""

from hypothesis import settings


def examples(most: int) -> settings:
    """A decorator: *most* examples, or fewer where the profile of the run wants fewer."""
    return settings(max_examples=min(most, settings().max_examples))
