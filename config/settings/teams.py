"""Who may use the models, and how much."""

from pydantic import Field

from base.model import Model


class Team(Model):
    """A group of people or programs with one API key and shared limits."""

    models: list[str] = Field(
        default=[], description="Served names it may ask for; empty means every model."
    )
    tokens_per_minute: int = Field(default=100_000, ge=1, description="Prompt and answer together.")
    requests_per_minute: int = Field(default=600, ge=1, description="Requests of any kind.")
