"""Settings of the router: one OpenAI-compatible address for every model."""

from pydantic import Field

from base.model import Model
from base.quantity import Resources


class RouterSettings(Model):
    """LiteLLM without a database; retries, cooldown and timeout are the fifth seed's."""

    replicas: int = Field(default=2, ge=1, description="Pods; they share their counters in Redis.")
    request_timeout_seconds: int = Field(
        default=3600, ge=1, description="Longest answer of a model, seconds."
    )
    retries: int = Field(default=3, ge=0, description="Further attempts after a failed one.")
    allowed_fails: int = Field(
        default=5, ge=0, description="Failures in a minute before a model's address is left alone."
    )
    cooldown_seconds: int = Field(
        default=30, ge=0, description="How long it is left alone, seconds."
    )
    audience: str = Field(
        default="llm-api",
        min_length=1,
        description="The `aud` that a token of the realm must hold to call a model.",
    )
    resources: Resources = Field(
        default=Resources.of("1", "2Gi", max_cpu="2", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
