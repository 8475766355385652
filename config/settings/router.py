"""Settings of the router: one OpenAI-compatible API for every model."""

from typing import Annotated, Final

from pydantic import Field

from base.model import Model
from base.quantity import Resources
from base.words import Words
from config.settings.platform import MOST_PODS

LONGEST_ANSWER: Final = 86_400
"""Longest timeout, seconds: a day. Kong counts in milliseconds of 31 bits, 24 days."""
_AUDIENCE = Words("[A-Za-z0-9][-A-Za-z0-9._:/]*", "a name or a URI, without spaces", 255)


class RouterSettings(Model):
    """LiteLLM without a database."""

    replicas: int = Field(
        default=2, ge=1, le=MOST_PODS, description="Pods, which share counters in Redis."
    )
    request_timeout_seconds: int = Field(
        default=3600,
        ge=1,
        le=LONGEST_ANSWER,
        description="Timeout of a request to a model, seconds.",
    )
    retries: int = Field(default=3, ge=0, le=100, description="Retries of a failed request.")
    allowed_fails: int = Field(
        default=5,
        ge=0,
        le=1_000_000,
        description="Failures of a model within `cooldown_seconds` that it may have; one more cools"
        " it down.",
    )
    cooldown_seconds: int = Field(
        default=30,
        ge=0,
        le=LONGEST_ANSWER,
        description="Time without requests to such a model, seconds.",
    )
    audience: Annotated[str, _AUDIENCE] = Field(
        default="llm-api",
        description="The `aud` claim that an access token needs to call a model.",
    )
    resources: Resources = Field(
        default=Resources.of("1", "2Gi", max_cpu="2", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
