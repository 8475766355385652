"""Settings of a team: its models and rate limits."""

from pydantic import Field

from base.model import Model


class Team(Model):
    """A group of people or programs with one API key and shared limits."""

    models: list[str] = Field(
        default=[], description="Served names of the models it may use; empty: all models."
    )
    tokens_per_minute: int = Field(
        default=100_000, ge=1, description="Rate limit in tokens, prompt and answer together."
    )
    requests_per_minute: int = Field(
        default=600, ge=1, description="Rate limit in requests of any kind."
    )
