"""Settings of a team: its models and rate limits."""

from typing import Final

from pydantic import Field

from base.model import Model
from config.settings.keys import ServedName

MOST_PER_MINUTE: Final = 10**9
"""Highest rate limit; an assumption, only to find mistakes."""


class Team(Model):
    """A group of people or programs with one API key and shared limits."""

    models: list[ServedName] = Field(
        default=[], description="Served names of the models it may use; empty: all models."
    )
    tokens_per_minute: int = Field(
        default=100_000,
        ge=1,
        le=MOST_PER_MINUTE,
        description="Rate limit in tokens, prompt and answer together.",
    )
    requests_per_minute: int = Field(
        default=600, ge=1, le=MOST_PER_MINUTE, description="Rate limit in requests of any kind."
    )
