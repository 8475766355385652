"""The public names of the stack."""

from pydantic import Field

from base.model import Model
from base.names import Host


class Hosts(Model):
    """Host names that the organization's DNS resolves to the gateway's address."""

    ai: Host = Field(description="Chat, and the API under /v1.")
    auth: Host = Field(description="Sign-in, the identity provider.")
    monitoring: Host = Field(description="Dashboards.")
