"""What has hit servers of this kind, and the table of docs/security.md."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from access_table import MARKED, SECURITY, table
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from rag.web.routes import ROUTERS
from support.client import call, check_problem
from support.keyed import Keyed, keyed_app, keyed_in
from support.places import ROOT


@pytest.fixture
def keyed(tmp_path: Path) -> Keyed:
    return keyed_in(tmp_path)


@pytest.fixture
def locked(serving: Serving, keyed: Keyed, tmp_path: Path) -> TestClient:
    return TestClient(keyed_app(serving, keyed, tmp_path), base_url="http://localhost")


def test_the_table_of_routes_and_keys_is_what_happens() -> None:
    found = MARKED.search(SECURITY.read_text())
    assert found is not None
    assert found[0] == table(), "python tests/access_table.py --write"


@pytest.mark.parametrize("field", ["model", "model_name", "trust_remote_code", "embedding_model"])
def test_no_request_names_a_model(locked: TestClient, keyed: Keyed, field: str) -> None:
    body = {"question": "a", field: "evil/model"}
    check_problem(locked.post("/ask", json=body), 401, "key_required")
    reply = locked.post("/ask", json=body, headers=keyed.headers("read"))
    check_problem(reply, 422, "unknown_field")


def test_nothing_is_unpickled() -> None:
    loads = re.compile(
        r"^\s*(?:import|from) (?:pickle|dill|joblib|shelve|marshal)\b|allow_pickle=True"
        r"|torch\.load\(|yaml\.(?:unsafe_)?load\(|trust_remote_code=True",
        re.MULTILINE,
    )
    paths = [ROOT / "service.py", *(ROOT / "rag").rglob("*.py")]
    assert [str(path) for path in paths if loads.search(path.read_text())] == []


def test_no_route_is_on_another_port_or_outside_the_table() -> None:
    listening = re.compile(r"create_server\(|start_server\(|HTTPServer\(|\.listen\(|\.bind\(")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rag").rglob("*.py")
        if listening.search(path.read_text())
    }
    # The socket is made by the one, and listens with the length of its queue in the other.
    assert found == {"rag/web/listener.py", "rag/web/server.py"}
    assert not [
        each for router in ROUTERS for each in router.routes if type(each).__name__ == "Mount"
    ]


@pytest.mark.parametrize("host", ["evil.com", "127.0.0.1.evil.com", "localhost.evil.com:8000"])
def test_name_that_was_rebound_to_this_machine_is_refused(
    locked: TestClient, keyed: Keyed, host: str
) -> None:
    for path in ("/", "/documents", "/healthz", "/session"):
        reply = locked.get(path, headers={**keyed.headers("admin"), "host": host})
        check_problem(reply, 421, "bad_host")


def test_flood_of_ranges_is_the_whole_file_once(locked: TestClient, keyed: Keyed) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(4000))
    for path in ("/documents/guide.md", "/style.css"):
        headers = keyed.headers("read")
        begun = time.perf_counter()
        reply = locked.get(path, headers={**headers, "range": ranges[:30_000]})
        assert time.perf_counter() - begun < 1
        assert reply.status_code == 200
        assert reply.content == locked.get(path, headers=headers).content


@pytest.mark.parametrize(
    "kind", [b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize("path", ["/ask", "/verify", "/index/rebuild", "/session"])
def test_forms_are_refused_before_they_are_read(
    locked: TestClient, keyed: Keyed, path: str, kind: bytes
) -> None:
    sent = f"Bearer {keyed.tokens['admin']}".encode()
    headers = [(b"authorization", sent), (b"content-type", kind)]
    status, body, _ = call(locked.app, "POST", path, headers)
    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_python_multipart_is_not_installed_for_the_service() -> None:
    locked = (ROOT / "requirements.lock").read_text()
    assert "python-multipart" not in locked and "\nnltk" not in locked
