"""The session of a browser, which stands for a key."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.serving.keys import revoke_key
from rag.serving.live import Serving
from rag.web.sessions import SECONDS, Sessions
from support.client import check_problem
from support.keyed import Keyed, keyed_app, keyed_in


@pytest.fixture
def keyed(tmp_path: Path) -> Keyed:
    return keyed_in(tmp_path)


@pytest.fixture
def client(serving: Serving, keyed: Keyed, tmp_path: Path) -> TestClient:
    return TestClient(keyed_app(serving, keyed, tmp_path), base_url="http://localhost")


def test_session_stands_for_its_key_until_it_ends(client: TestClient, keyed: Keyed) -> None:
    assert client.get("/session").json() == {
        "required": True,
        "scope": None,
        "name": None,
        "limited": False,
        "expires": None,
    }
    begun = client.post("/session", json={"key": keyed.tokens["build"]})
    assert begun.status_code == 200
    assert begun.json()["scope"] == client.get("/session").json()["scope"] == "build"
    assert client.get("/documents").status_code == 200
    check_problem(client.post("/index/rollback", json={}), 403, "scope_missing")
    assert client.delete("/session").status_code == 204
    assert client.get("/documents").status_code == 401


def test_cookie_is_hidden_from_scripts_and_other_sites_and_does_not_hold_the_key(
    client: TestClient, keyed: Keyed
) -> None:
    reply = client.post("/session", json={"key": keyed.tokens["read"]})
    [cookie] = SimpleCookie(reply.headers["set-cookie"]).values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert cookie["max-age"] == str(SECONDS)
    assert keyed.tokens["read"][13:] not in cookie.value
    assert not cookie["secure"]


def test_cookie_is_for_tls_alone_if_the_client_came_by_tls(
    serving: Serving, keyed: Keyed, tmp_path: Path
) -> None:
    app = keyed_app(serving, keyed, tmp_path)
    client = TestClient(app, base_url="https://localhost")
    reply = client.post("/session", json={"key": keyed.tokens["read"]})
    [cookie] = SimpleCookie(reply.headers["set-cookie"]).values()
    assert cookie["secure"]


@pytest.mark.parametrize("kind", ["wrong", "expired"])
def test_key_that_is_not_valid_begins_no_session(
    client: TestClient, keyed: Keyed, kind: str
) -> None:
    reply = client.post("/session", json={"key": keyed.tokens[kind]})
    check_problem(reply, 401, "key_required")
    assert "set-cookie" not in reply.headers


def test_session_ends_with_its_key(client: TestClient, keyed: Keyed) -> None:
    client.post("/session", json={"key": keyed.tokens["read"]})
    assert client.get("/documents").status_code == 200
    revoke_key(keyed.file, keyed.tokens["read"][4:12])
    assert client.get("/documents").status_code == 401


def test_header_goes_before_the_session(client: TestClient, keyed: Keyed) -> None:
    client.post("/session", json={"key": keyed.tokens["admin"]})
    assert client.get("/documents", headers=keyed.headers("wrong")).status_code == 401


def test_session_is_over_after_some_hours_and_is_no_other_service_s(keyed: Keyed) -> None:
    keys = keyed.door().keys
    sessions = Sessions(keys, b"secret", now=lambda: 1000.0)
    begun = sessions.begin(keyed.tokens["read"])
    assert begun is not None
    key, value = begun
    sent = [(b"cookie", f"a=b; rag_session={value}".encode())]
    assert sessions.key(sent) == key
    assert Sessions(keys, b"secret", now=lambda: 1000.0 + SECONDS).key(sent) == key
    assert Sessions(keys, b"secret", now=lambda: 1001.0 + SECONDS).key(sent) is None
    assert Sessions(keys, b"other", now=lambda: 1000.0).key(sent) is None


@pytest.mark.parametrize(
    "cookie",
    [
        *("", "rag_session", "rag_session=", "rag_session=..", "rag_session=a.b.c", "\xff=\xff"),
        *("rag_session=00000000.99999999999.00", "rag_session=00000000.²³.00", 'rag_session="'),
        "rag_session=" + "9" * 5000,
    ],
)
def test_odd_cookies_are_no_session(keyed: Keyed, cookie: str) -> None:
    sessions = keyed.door().sessions
    id = keyed.tokens["read"][4:12]
    for each in (cookie, cookie.replace("00000000", id)):
        assert sessions.key([(b"cookie", each.encode("latin-1"))]) is None


@pytest.mark.parametrize(
    "other",
    ['prefs={"a":"b"}', "a=\xfc", "a[b]=1", "a=b c", "path=/", "secure", "a=b,c", 'a="', "a@b=c"],
)
def test_odd_cookies_of_other_services_do_not_hide_the_session(keyed: Keyed, other: str) -> None:
    sessions = Sessions(keyed.door().keys, b"secret")
    begun = sessions.begin(keyed.tokens["read"])
    assert begun is not None
    key, value = begun
    for sent in (f"{other}; rag_session={value}", f"rag_session={value}; {other}"):
        assert sessions.key([(b"cookie", sent.encode("latin-1"))]) == key


def test_changed_time_or_key_breaks_the_signature(keyed: Keyed) -> None:
    sessions = Sessions(keyed.door().keys, b"secret", now=lambda: 1000.0)
    begun = sessions.begin(keyed.tokens["read"])
    assert begun is not None
    id, until, signature = begun[1].split(".")
    admin = keyed.tokens["admin"][4:12]
    for forged in (f"{admin}.{until}.{signature}", f"{id}.{int(until) + 1}.{signature}"):
        assert sessions.key([(b"cookie", f"rag_session={forged}".encode())]) is None
