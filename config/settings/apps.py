"""Settings of the applications that people use."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model
from base.names import line
from base.quantity import Resources
from config.settings.keys import ServedName
from config.settings.platform import MOST_PODS
from config.settings.teams import Team


class OpenWebUiSettings(Model):
    """Open WebUI, the chat application.

    Its license does not allow its name and logo to be replaced beyond 50 users in 30 days without
    written permission or an enterprise license, so `name` is shown next to them, not instead.
    """

    replicas: int = Field(default=2, ge=1, le=MOST_PODS, description="Stateless pods.")
    name: Annotated[str, line(100)] = Field(
        default="Intelligence Privée — Assistant IA",
        description="Title that users see.",
    )
    default_model: ServedName = Field(
        default="chat",
        description="Served name of the model that is selected in a new conversation.",
    )
    default_role: Literal["user", "pending"] = Field(
        default="user",
        description="Role of a new user: `user`, or `pending` until an administrator approves.",
    )
    limits: Team = Field(
        default=Team(tokens_per_minute=1_000_000, requests_per_minute=6_000),
        description="Limits of all its users together at the models.",
    )
    resources: Resources = Field(
        default=Resources.of("500m", "1Gi", max_cpu="2", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
