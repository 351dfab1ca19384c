"""Which addresses reach this machine alone."""

from __future__ import annotations

import functools
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


@functools.lru_cache(1024)
def address_of(host: str) -> Address | None:
    """The IP address, as IPv4 if it is an IPv4 address mapped to IPv6; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(host: str) -> bool:
    """Whether a host name or address reaches this machine alone."""
    address = address_of(host)
    return host.lower() == "localhost" if address is None else address.is_loopback
