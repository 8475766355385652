"""Settings of the model store: where weights come from."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator

from config.base import Model
from config.quantity import Quantity


class ModelStoreSettings(Model):
    """Where weights come from, and how fast they move."""

    endpoint: str = Field(
        pattern=r"^https://[^/\s]+(/[^\s]*[^/\s])?$",
        description="URL of the model hub, or of a mirror of it with the same API.",
    )
    cidrs: list[str] = Field(
        min_length=1,
        description="Addresses that the download Jobs may reach: the hub and what it redirects to.",
    )
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=[443], min_length=1, description="TCP ports that they may reach there."
    )
    download_rate: Quantity = Field(
        default="20M",
        description="Bytes a second that the hub gives at worst; a slower download is given up.",
    )
    read_rate: Quantity = Field(
        default="500M",
        description="Bytes a second that one pod reads from the shared storage class at worst; it"
        " decides how long a model may take to start.",
    )

    @field_validator("cidrs")
    @classmethod
    def _are_networks(cls, cidrs: list[str]) -> list[str]:
        for cidr in cidrs:
            try:
                ip_network(cidr)
            except ValueError as error:
                message = f"networks such as 198.51.100.0/24: {error}"
                raise ValueError(message) from None
        return cidrs
