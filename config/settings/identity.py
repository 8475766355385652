"""Settings of the identity provider."""

from pydantic import Field

from base.model import Model
from base.quantity import Resources


class KeycloakSettings(Model):
    """Keycloak and the realm that it starts with; replicas and resources are the first seed's."""

    replicas: int = Field(default=2, ge=1, description="Pods, which share sessions.")
    resources: Resources = Field(
        default=Resources.of("2", "2Gi", max_cpu="4", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
    realm: str = Field(
        default="intelligence-privee",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="Name of the realm, part of every token's issuer.",
    )
    password_min_length: int = Field(default=12, ge=8, le=128, description="Characters.")
    password_history: int = Field(
        default=5, ge=0, description="Former passwords that may not come back."
    )
    login_failures: int = Field(
        default=5, ge=1, description="Wrong passwords before an account is locked for a while."
    )
    lock_minutes: int = Field(default=15, ge=1, description="Longest such lock, minutes.")
    access_token_minutes: int = Field(
        default=5, ge=1, le=60, description="Life of an access token, minutes."
    )
    session_idle_minutes: int = Field(
        default=60, ge=1, description="A session unused for so long ends, minutes."
    )
    session_max_hours: int = Field(
        default=10, ge=1, description="A session ends after so long in any case, hours."
    )
    event_days: int = Field(
        default=90, ge=1, description="How long sign-ins and changes are kept, days."
    )
