from __future__ import annotations

from typing import Any

import pytest

from rag.types.errors import UsageError
from rag.web.addresses import client_of, is_loopback, is_secure, proxies_of

PROXIES = proxies_of("10.0.0.1, 192.168.0.0/16, fd00::/8")


def scope(peer: str | None, *forwarded: str, proto: str = "", scheme: str = "http") -> Any:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    client = None if peer is None else (peer, 1)
    return {"type": "http", "client": client, "headers": headers, "scheme": scheme}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", (), "198.51.100.7"),
        ("198.51.100.7", ("203.0.113.9",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("1.1.1.1, 203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("1.1.1.1", "203.0.113.9, 192.168.3.4"), "203.0.113.9"),
        ("10.0.0.1", ("203.0.113.9, nonsense",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("192.168.0.1",), "192.168.0.1"),
        ("::ffff:10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("fd00::5", ("2001:db8:1:2:3::4",), "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::4", (), "2001:db8:1:2::/64"),
        ("testclient", ("203.0.113.9",), "testclient"),
        (None, (), ""),
    ],
)
def test_client_is_the_nearest_address_that_is_no_proxy(
    peer: str | None, forwarded: tuple[str, ...], client: str
) -> None:
    assert client_of(scope(peer, *forwarded), PROXIES) == client


def test_without_proxies_nothing_forwarded_counts() -> None:
    assert client_of(scope("10.0.0.1", "203.0.113.9"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("asked", "secure"),
    [
        (scope("10.0.0.1", proto="https"), True),
        (scope("10.0.0.1", proto="http", scheme="https"), False),
        (scope("198.51.100.7", proto="https"), False),
        (scope("198.51.100.7", scheme="https"), True),
    ],
)
def test_a_proxy_says_whether_its_client_came_by_tls(asked: Any, secure: bool) -> None:
    assert is_secure(asked, PROXIES) is secure


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(UsageError, match=r"RAG_PROXIES: 'proxy' .*give addresses or networks"):
        proxies_of("10.0.0.1, proxy")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "localhost.evil.com", "192.0.2.1"])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
