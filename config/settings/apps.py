"""Settings of the applications that people use."""

from pydantic import Field

from base.model import Model
from base.quantity import Resources
from config.settings.teams import Team


class OpenWebUiSettings(Model):
    """The chat; name, default role and replicas are the first seed's.

    Its licence is its own: beyond 50 users in 30 days its name and logo may not be replaced without
    written permission or an enterprise licence, so `name` is shown beside them, not instead.
    """

    replicas: int = Field(default=2, ge=1, description="Pods, without state of their own.")
    name: str = Field(
        default="Intelligence Privée — Assistant IA",
        min_length=1,
        description="What people see as its title.",
    )
    default_model: str = Field(
        default="chat", min_length=1, description="Served name that a new conversation starts with."
    )
    default_role: str = Field(
        default="user",
        pattern="^(user|pending)$",
        description="`user`, or `pending` until an administrator admits a newcomer.",
    )
    limits: Team = Field(
        default=Team(tokens_per_minute=1_000_000, requests_per_minute=6_000),
        description="What all its users together may ask of the models.",
    )
    resources: Resources = Field(
        default=Resources.of("500m", "1Gi", max_cpu="2", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
