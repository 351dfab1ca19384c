"""Who may do what over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Route

from rag.serving.keys import revoke_key
from rag.serving.live import Serving
from rag.web.access import RULES
from rag.web.routes import ROUTERS
from service import create_app
from support.client import call, check_problem
from support.keyed import Keyed, keyed_app, keyed_in
from support.raw_http import raw, request, running, status_of

# What changes nothing though it is a POST.
ASKING = {
    ("POST", path)
    for path in (
        *("/ask", "/verify", "/retrieval", "/v1/rerank", "/v2/rerank", "/mcp"),
        "/v1/vector_stores/{id}/search",
    )
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Keyed:
    return keyed_in(tmp_path_factory.mktemp("keyed"))


@pytest.fixture(scope="module")
def locked(serving: Serving, keyed: Keyed) -> Iterator[TestClient]:
    app = keyed_app(serving, keyed, keyed.file.parent)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def test_every_route_is_in_the_table_and_no_other(serving: Serving) -> None:
    routers = (create_app(serving), *ROUTERS)
    routes = [each for router in routers for each in router.routes if isinstance(each, Route)]
    assert {(method, each.path) for each in routes for method in each.methods or ()} == set(RULES)


def test_whatever_changes_something_requires_a_scope() -> None:
    changing = {at for at in RULES if at[0] != "GET"} - ASKING
    low = {at for at in changing if RULES[at].scope in (None, "read")}
    assert low == {("POST", "/session"), ("DELETE", "/session"), ("POST", "/feedback")}


def test_key_is_checked_before_the_body_is_read(locked: TestClient) -> None:
    status, body, read = call(locked.app, "POST", "/ask", [(b"content-type", b"application/json")])
    assert (status, body["code"], read) == (401, "key_required", 65536)


def test_refusals_say_how_to_authenticate(locked: TestClient, keyed: Keyed) -> None:
    reply = locked.get("/documents")
    check_problem(reply, 401, "key_required")
    assert reply.headers["www-authenticate"] == 'Bearer realm="rag"'
    reply = locked.post("/index/rollback", json={}, headers=keyed.headers("read"))
    check_problem(reply, 403, "scope_missing")
    assert 'error="insufficient_scope", scope="admin"' in reply.headers["www-authenticate"]


def test_wrong_and_expired_keys_are_refused_in_the_same_words(
    locked: TestClient, keyed: Keyed
) -> None:
    replies = [locked.get("/documents", headers=keyed.headers(kind)) for kind in keyed.tokens]
    said = {reply.json()["detail"] for reply in replies if reply.status_code == 401}
    assert len(said) == 1
    assert [reply.status_code for reply in replies[:2]] == [401, 401]


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"Bearer \xff\xfe", b"\xff", b"bearer x y"),
        *(b"Bearer " + b"x" * 20_000, b"Bearer rag_00000000_" + b"\x80" * 43, b"rag_"),
    ],
)
def test_odd_authorization_is_refused_and_never_a_failure(locked: TestClient, value: bytes) -> None:
    status, body, _ = call(locked.app, "GET", "/documents", [(b"authorization", value)])
    assert (status, body["code"]) == (401, "key_required")


def test_two_keys_in_one_request_are_none(locked: TestClient, keyed: Keyed) -> None:
    sent = f"Bearer {keyed.tokens['read']}".encode()
    headers = [(b"authorization", sent), (b"authorization", sent)]
    assert call(locked.app, "GET", "/documents", headers)[0] == 401


@pytest.mark.parametrize("name", ["key", "api_key", "token", "access_token", "authorization"])
def test_key_in_the_query_does_not_count(locked: TestClient, keyed: Keyed, name: str) -> None:
    path = f"/documents?{name}={keyed.tokens['admin']}"
    check_problem(locked.get(path), 401, "key_required")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/style.css", "/session"])
def test_probes_and_the_page_need_no_key(locked: TestClient, path: str) -> None:
    assert locked.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/admin", "/documentsx", "/ask/", "//documents"])
def test_path_of_no_route_is_not_found(locked: TestClient, keyed: Keyed, path: str) -> None:
    for kind in ("no key", "read", "admin"):
        status, body, _ = call(
            locked.app,
            "GET",
            path,
            [(name.encode(), value.encode()) for name, value in keyed.headers(kind).items()],
        )
        assert (status, body["code"]) == (404, "not_found")


def test_other_method_needs_a_key_before_it_is_refused(locked: TestClient, keyed: Keyed) -> None:
    check_problem(locked.put("/documents"), 401, "key_required")
    reply = locked.put("/documents", headers=keyed.headers("read"))
    check_problem(reply, 405, "method_not_allowed")


def test_head_is_get(locked: TestClient, keyed: Keyed) -> None:
    assert locked.head("/documents").status_code == 401
    assert locked.head("/documents", headers=keyed.headers("read")).status_code == 200


def test_key_that_is_revoked_is_refused_without_a_restart(serving: Serving, tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    client = TestClient(keyed_app(serving, keyed, tmp_path), base_url="http://localhost")
    read = keyed.headers("read")
    assert client.get("/documents", headers=read).status_code == 200
    revoke_key(keyed.file, keyed.tokens["read"][4:12])
    assert client.get("/documents", headers=read).status_code == 401
    assert client.get("/documents", headers=keyed.headers("build")).status_code == 200


def test_key_that_is_made_while_it_runs_closes_an_open_service(
    serving: Serving, tmp_path: Path
) -> None:
    folder = tmp_path / "later"
    folder.mkdir()
    empty = Keyed(folder / "index.keys.json", {})
    client = TestClient(keyed_app(serving, empty, folder), base_url="http://localhost")
    assert client.get("/documents").status_code == 200
    keyed_in(folder)
    assert client.get("/documents").status_code == 401


def test_with_keys_other_addresses_are_answered(locked: TestClient, keyed: Keyed) -> None:
    sent = [(b"authorization", f"Bearer {keyed.tokens['read']}".encode())]
    for headers, status in ((sent, 200), ([], 401)):
        answer = call(locked.app, "GET", "/documents", headers, server=("192.0.2.1", 80))
        assert answer[0] == status


@pytest.mark.parametrize(
    "sent", [{"origin": "https://evil.com"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
@pytest.mark.parametrize(
    ("method", "path"), [at for at in RULES if at[0] != "GET" and at not in ASKING]
)
def test_what_changes_something_is_refused_to_pages_of_other_sites(
    locked: TestClient, keyed: Keyed, method: str, path: str, sent: dict[str, Any]
) -> None:
    headers = {**keyed.headers("admin"), **sent}
    check_problem(locked.request(method, path, json={}, headers=headers), 403, "cross_site")


def test_no_response_lets_another_origin_read_it(locked: TestClient, keyed: Keyed) -> None:
    headers = {**keyed.headers("read"), "origin": "https://evil.com"}
    for method in ("GET", "OPTIONS", "POST"):
        reply = locked.request(method, "/documents", headers=headers)
        assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_options_tell_of_open_paths_and_the_whole_service_without_a_key(
    locked: TestClient,
) -> None:
    with running(locked.app) as port:
        for target in ("/", "/healthz", "*"):
            answer = raw(port, request(f"OPTIONS {target}"))
            assert (status_of(answer), b"allow: GET, HEAD\r\n" in answer) == (204, True)
    check_problem(locked.options("/documents"), 401, "key_required")


def test_keys_are_never_logged(
    serving: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keyed = keyed_in(tmp_path)

    def crash(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of order")

    broken = Serving(serving.snapshot, crash)
    app = keyed_app(broken, keyed, tmp_path)
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    with caplog.at_level("DEBUG"):
        reply = client.post("/ask", json={"question": "a"}, headers=keyed.headers("read"))
        client.post("/session", json={"key": keyed.tokens["read"]})
        client.get("/documents", headers=keyed.headers("wrong"))
    assert reply.status_code == 500
    assert "out of order" in caplog.text
    assert not [kind for kind, token in keyed.tokens.items() if token[13:] in caplog.text]
