"""Settings of the gateway: the one way in."""

from pydantic import Field

from base.model import Model
from base.quantity import Resources


class GatewaySettings(Model):
    """Kong without a database; replicas and resources are the first seed's."""

    replicas: int = Field(default=2, ge=1, description="Pods behind the load balancer.")
    resources: Resources = Field(
        default=Resources.of("2", "2Gi", max_cpu="4", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
    tls_secret: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        description=(
            "A kubernetes.io/tls Secret in the gateway's namespace, valid for every public host; "
            "without it the stack's own authority issues the certificate."
        ),
    )
    client_cidrs: list[str] = Field(
        default=["0.0.0.0/0"], min_length=1, description="Addresses that may connect."
    )
    requests_per_minute: int = Field(
        default=1200,
        ge=1,
        description="With people's tokens, all together, on the API; a team's key has its limit.",
    )
    max_body_mib: int = Field(
        default=100, ge=1, description="Largest request (an uploaded document), MiB."
    )
    answer_seconds: int = Field(
        default=3600, ge=1, description="Longest silence of an upstream before 504, seconds."
    )
