"""Networks in CIDR notation."""

import re
from ipaddress import IPv6Network, ip_network
from typing import Annotated

from pydantic import AfterValidator

_PREFIX_LENGTH = re.compile(r"[^/%]+/(0|[1-9]\d*)", re.ASCII)
"""Python also takes an address alone, a netmask and a zone; the API server takes none of them
(apimachinery, pkg/util/validation/ip.go, IsValidCIDRForLegacyField)."""


def _checked(cidr: str) -> str:
    allowed = "networks such as 198.51.100.0/24"
    if not _PREFIX_LENGTH.fullmatch(cidr):
        message = f"{allowed}: an address, / and the length of the prefix"
        raise ValueError(message)
    try:
        network = ip_network(cidr)
    except ValueError as error:
        message = f"{allowed}: {error}"
        raise ValueError(message) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        message = f"{allowed}: an IPv4 network is written without ::ffff:"
        raise ValueError(message)
    return cidr


Cidr = Annotated[str, AfterValidator(_checked)]
"""A network in CIDR notation, kept as written."""
