"""The public names of the stack."""

from pydantic import Field

from base.model import Model

_HOST = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$"


class Hosts(Model):
    """Host names that the organization's DNS resolves to the gateway's address."""

    ai: str = Field(pattern=_HOST, description="Chat, and the API under /v1.")
    auth: str = Field(pattern=_HOST, description="Sign-in, the identity provider.")
    monitoring: str = Field(pattern=_HOST, description="Dashboards.")
