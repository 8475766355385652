"""Settings of the gateway, the single entry point."""

from pydantic import Field

from base.cidrs import Cidr
from base.model import Model
from base.names import Subdomain
from base.quantity import Resources
from config.settings.platform import MOST_PODS
from config.settings.router import LONGEST_ANSWER
from config.settings.teams import MOST_PER_MINUTE


class GatewaySettings(Model):
    """Kong without a database."""

    replicas: int = Field(
        default=2, ge=1, le=MOST_PODS, description="Pods behind the load balancer."
    )
    resources: Resources = Field(
        default=Resources.of("2", "2Gi", max_cpu="4", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
    tls_secret: Subdomain | None = Field(
        default=None,
        description=(
            "A kubernetes.io/tls Secret in the gateway's namespace, valid for every public host; "
            "without it the stack's own CA issues the certificate."
        ),
    )
    client_cidrs: list[Cidr] = Field(
        default=["0.0.0.0/0"], min_length=1, description="CIDRs of the clients that may connect."
    )
    requests_per_minute: int = Field(
        default=1200,
        ge=1,
        le=MOST_PER_MINUTE,
        description="Rate limit of the API for all OIDC tokens together; each team's key has its"
        " own limit.",
    )
    max_body_mib: int = Field(
        default=100, ge=1, le=10_240, description="Largest request body, such as an upload, MiB."
    )
    answer_seconds: int = Field(
        default=3600,
        ge=1,
        le=LONGEST_ANSWER,
        description="Upstream read timeout, seconds; Kong answers 504 after it.",
    )
