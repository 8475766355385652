"""Settings of the router: one OpenAI-compatible API for every model."""

from pydantic import Field

from base.model import Model
from base.quantity import Resources


class RouterSettings(Model):
    """LiteLLM without a database."""

    replicas: int = Field(default=2, ge=1, description="Pods, which share counters in Redis.")
    request_timeout_seconds: int = Field(
        default=3600, ge=1, description="Timeout of a request to a model, seconds."
    )
    retries: int = Field(default=3, ge=0, description="Retries of a failed request.")
    allowed_fails: int = Field(
        default=5, ge=0, description="Failures per minute before a model cools down."
    )
    cooldown_seconds: int = Field(
        default=30, ge=0, description="Time without requests to such a model, seconds."
    )
    audience: str = Field(
        default="llm-api",
        min_length=1,
        description="The `aud` claim that an access token needs to call a model.",
    )
    resources: Resources = Field(
        default=Resources.of("1", "2Gi", max_cpu="2", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
