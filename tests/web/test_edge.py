from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from rag.types import Answer
from rag.web.edge import allowed_hosts
from service import create_app
from support.client import call, check_problem


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:1",
        "[::1]:8000",
        "localhost.",
        "localhost.:80",
        "localhost:",
    ],
)
def test_local_hosts_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.com", "localhost/x", ".", "localhost..", "localhost.evil.com", "localhost:x"),
        *("[::1]x", "evil.com:localhost", "localhost@evil.com", "localhost:80:80"),
    ],
)
def test_other_hosts_are_refused_on_every_path(client: TestClient, host: str) -> None:
    for path in ("/", "/healthz", "/ask", "/nothing"):
        check_problem(client.get(path, headers={"host": host}), 421, "bad_host")


@pytest.mark.parametrize(
    "hosts",
    [[], [b""], [b"[::2]"], [b"localhost", b"localhost"], [b"localhost", b"evil.com"]],
)
def test_exactly_one_host_is_needed(serving: Serving, hosts: list[bytes]) -> None:
    headers = [(b"host", host) for host in hosts]
    status, body, _ = call(create_app(serving), "GET", "/documents", headers, host=False)
    assert (status, body["code"]) == (421 if len(hosts) == 1 else 400, "bad_host")


@pytest.mark.parametrize(
    ("path", "version"), [("/healthz", "1.1"), ("/readyz", "1.1"), ("/documents", "1.0")]
)
@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((None, 200), (b"", 200), (b"10.0.0.5", 200), (b"10.0.0.5:80", 200), (b"[fd00::1]", 200)),
        *((b"evil.com", 421), (b"10.0.0.5.evil.com", 421), (b"[]x", 421), (b"10.0.0", 421)),
    ],
)
def test_probe_or_old_client_may_name_no_host_or_an_ip_address_but_no_other_name(
    serving: Serving, path: str, version: str, host: bytes | None, status: int
) -> None:
    headers = [] if host is None else [(b"host", host)]
    called = call(create_app(serving), "GET", path, headers, host=False, http_version=version)
    assert called[0] == status


@pytest.mark.parametrize("target", ["*", "ask", "ftp://localhost/healthz", "localhost:80"])
def test_targets_other_than_paths_are_refused(serving: Serving, target: str) -> None:
    status, body, _ = call(create_app(serving), "GET", target, [])
    assert (status, body["code"]) == (400, "bad_target")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/healthz", 200),
        ("HTTP://LOCALHOST:8000/healthz", 200),
        ("http://localhost", 200),
        ("http://localhost/health%7A", 200),
        ("http://evil.com/healthz", 421),
        ("http://localhost@evil.com/healthz", 421),
        ("http:///documents", 421),
        ("http://localhost/nothing", 404),
    ],
)
def test_whole_address_as_target_goes_before_the_host(
    serving: Serving, target: str, status: int
) -> None:
    assert call(create_app(serving), "GET", target, [])[0] == status


@pytest.mark.parametrize(
    "server", ["192.0.2.1", "0.0.0.0", "10.0.0.2", "fe80::1", "::ffff:10.0.0.2"]
)
def test_request_that_came_in_by_another_address_is_refused(serving: Serving, server: str) -> None:
    for path in ("/healthz", "/", "/documents"):
        status, body, _ = call(create_app(serving), "GET", path, [], server=(server, 8000))
        assert (status, body["code"]) == (403, "not_local")


@pytest.mark.parametrize(
    "server",
    [("127.0.0.1", 1), ("127.0.0.2", 1), ("::1", 1), ("::ffff:127.0.0.1", 1), ("/a.sock", None)],
)
def test_request_that_came_in_by_this_machine_alone_is_answered(
    serving: Serving, server: tuple[str, int | None]
) -> None:
    assert call(create_app(serving), "GET", "/healthz", [], server=server)[0] == 200


@pytest.mark.parametrize(
    "headers", [[(b"x", b"a" * 33_000)], [(f"x-{n}".encode(), b"a") for n in range(100)]]
)
def test_many_or_long_headers_are_refused(
    serving: Serving, headers: list[tuple[bytes, bytes]]
) -> None:
    status, body, _ = call(create_app(serving), "GET", "/healthz", headers)
    assert (status, body["code"]) == (431, "headers_too_large")


def test_two_ways_to_end_a_body_are_refused(serving: Serving) -> None:
    headers = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    status, body, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, body["code"], read) == (400, "bad_framing", 64 * 1024)


def test_bound_address_is_an_allowed_host() -> None:
    assert allowed_hosts("Box.local") == {"localhost", "127.0.0.1", "[::1]", "box.local"}
    assert "[fe80::1]" in allowed_hosts("FE80::1")


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/ask", "/openapi.json"])
def test_every_response_carries_the_safe_headers(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"origin": "http://evil.com"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert len(headers["x-request-id"]) == 32
    assert not [name for name in headers if name.startswith("access-control")]


def test_request_ids_differ(client: TestClient) -> None:
    ids = {client.get("/healthz").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_crash_is_a_bare_500_and_the_log_has_its_request_id(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> Answer:
        raise RuntimeError("secret in /etc/passwd")

    client = TestClient(create_app(replace(serving, ask=crash)), base_url="http://localhost")
    with caplog.at_level(logging.ERROR):
        response = client.post("/ask", json={"question": "a"})
    check_problem(response, 500, "internal_error")
    assert not any(word in response.text for word in ("/", "secret", "Traceback"))
    assert [r.message for r in caplog.records if r.name == "rag.web.edge"] == [
        f"request {response.json()['request_id']} failed"
    ]


def test_crash_after_the_first_byte_ends_the_connection(serving: Serving) -> None:
    app = create_app(serving)

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    app.mount("/broken", broken)
    with pytest.raises(RuntimeError, match="half way"):
        call(app, "GET", "/broken/", [])
