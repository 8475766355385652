"""Settings of the identity provider."""

from typing import Annotated, Final

from pydantic import Field

from base.model import Model
from base.names import LONGEST_LABEL
from base.quantity import Resources
from base.words import Words
from config.settings.platform import MOST_PODS

_YEARS: Final = 10
"""Longest duration, years; an assumption, only to find mistakes: Keycloak counts in 31 bits."""
_REALM = Words(
    "(?!master$)[a-z0-9][-a-z0-9]*",
    "lower-case letters, digits and hyphens, no hyphen first; not master, Keycloak's own realm",
    LONGEST_LABEL,
)


class KeycloakSettings(Model):
    """Keycloak and the realm that it imports at its first start."""

    replicas: int = Field(default=2, ge=1, le=MOST_PODS, description="Pods, which share sessions.")
    resources: Resources = Field(
        default=Resources.of("2", "2Gi", max_cpu="4", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
    realm: Annotated[str, _REALM] = Field(
        default="intelligence-privee",
        description="Name of the realm, part of every token's issuer.",
    )
    password_min_length: int = Field(
        default=12, ge=8, le=128, description="Minimum password length, characters."
    )
    password_history: int = Field(
        default=5, ge=0, le=1_000, description="Previous passwords that cannot be reused."
    )
    login_failures: int = Field(
        default=5,
        ge=1,
        le=1_000,
        description="Failed logins before an account is locked temporarily.",
    )
    lock_minutes: int = Field(
        default=15,
        ge=1,
        le=_YEARS * 365 * 24 * 60,
        description="Longest temporary lockout, minutes.",
    )
    access_token_minutes: int = Field(
        default=5, ge=1, le=60, description="Lifetime of an access token, minutes."
    )
    session_idle_minutes: int = Field(
        default=60,
        ge=1,
        le=_YEARS * 365 * 24 * 60,
        description="Idle timeout of a session, minutes.",
    )
    session_max_hours: int = Field(
        default=10, ge=1, le=_YEARS * 365 * 24, description="Maximum lifetime of a session, hours."
    )
    event_days: int = Field(
        default=90, ge=1, le=_YEARS * 365, description="Retention of login and admin events, days."
    )
