"""Which machine sends a request, and which address it reached."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from starlette.datastructures import Headers
from starlette.types import Scope

from rag.types.errors import UsageError
from rag.web.problems import Problem

Address = IPv4Address | IPv6Address
# Proxies are believed what they say of their clients.
Proxies = Sequence[IPv4Network | IPv6Network]

# A provider gives so much of an IPv6 address to one client.
CLIENT_BITS = 64


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


def check_reached(scope: Scope) -> None:
    """Raises Problem 403 unless the request came in by a loopback address.

    Another server than `rag serve` may bind any address.
    """
    host, _ = scope.get("server") or ("", None)
    address = address_of(host)
    # Over a network it is always an address. In-process clients give a name, Unix sockets a path.
    if address is not None and not address.is_loopback:
        detail = (
            "the service has no keys, so it answers on the loopback address alone: "
            "make a key by `rag keys add`, or bind 127.0.0.1"
        )
        raise Problem(403, "not_local", detail)


def proxies_of(listed: str) -> Proxies:
    """The networks of a list such as `10.0.0.1, 192.168.0.0/16`. Raises UsageError."""
    try:
        return [ip_network(each.strip()) for each in listed.split(",") if each.strip()]
    except ValueError as error:
        raise UsageError(f"RAG_PROXIES: {error}; give addresses or networks") from None


def client_of(scope: Scope, proxies: Proxies) -> str:
    """The client: its IPv4 address, or the network of its IPv6 address.

    That is the peer. If the peer is one of the proxies, it is the last address in X-Forwarded-For
    that is none of them: a client can write what it likes before that.
    """
    client = (scope.get("client") or ("",))[0]
    forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    while _is_proxy(client, proxies) and forwarded:
        said = forwarded.pop().strip()
        if address_of(said) is None:
            break
        client = said
    return _network(client)


def is_secure(scope: Scope, proxies: Proxies) -> bool:
    """Whether the client has come by TLS, here or at a proxy."""
    peer = (scope.get("client") or ("",))[0]
    said = Headers(scope=scope).get("x-forwarded-proto") if _is_proxy(peer, proxies) else None
    return (said or scope.get("scheme")) == "https"


def _is_proxy(host: str, proxies: Proxies) -> bool:
    address = address_of(host) if proxies else None
    return address is not None and any(address in network for network in proxies)


def _network(host: str) -> str:
    address = address_of(host)
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{CLIENT_BITS}", strict=False))
    return str(address or host)
