"""Settings of the identity provider."""

from pydantic import Field

from base.model import Model
from base.quantity import Resources


class KeycloakSettings(Model):
    """Keycloak and the realm that it imports at its first start."""

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
    password_min_length: int = Field(
        default=12, ge=8, le=128, description="Minimum password length, characters."
    )
    password_history: int = Field(
        default=5, ge=0, description="Previous passwords that cannot be reused."
    )
    login_failures: int = Field(
        default=5, ge=1, description="Failed logins before an account is locked temporarily."
    )
    lock_minutes: int = Field(default=15, ge=1, description="Longest temporary lockout, minutes.")
    access_token_minutes: int = Field(
        default=5, ge=1, le=60, description="Lifetime of an access token, minutes."
    )
    session_idle_minutes: int = Field(
        default=60, ge=1, description="Idle timeout of a session, minutes."
    )
    session_max_hours: int = Field(
        default=10, ge=1, description="Maximum lifetime of a session, hours."
    )
    event_days: int = Field(
        default=90, ge=1, description="Retention of login and admin events, days."
    )
