"""Networks in CIDR notation."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator


def _checked(cidr: str) -> str:
    try:
        ip_network(cidr)
    except ValueError as error:
        message = f"networks such as 198.51.100.0/24: {error}"
        raise ValueError(message) from None
    return cidr


Cidr = Annotated[str, AfterValidator(_checked)]
"""A network in CIDR notation, kept as written."""
