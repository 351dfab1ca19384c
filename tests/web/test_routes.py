from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from service import create_app
from support.client import call, check_problem


def test_what_can_be_read_answers_options_as_load_balancers_ask(client: TestClient) -> None:
    for path in ("/", "/healthz", "/documents"):
        response = client.options(path)
        assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD")
    check_problem(client.options("/nothing"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/ask", "POST"),
        ("HEAD", "/ask", "POST"),
        ("PUT", "/ask", "POST"),
        ("OPTIONS", "/ask", "POST"),
        ("TRACE", "/", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/documents/guide.md", "GET, HEAD"),
    ],
)
def test_wrong_methods_are_told_the_right_one(
    client: TestClient, method: str, path: str, allow: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)
    if method != "HEAD":
        check_problem(response, 405, "method_not_allowed")


def test_get_of_ask_shows_the_post_to_send(client: TestClient) -> None:
    detail = client.get("/ask", headers={"host": "localhost:8000"}).json()["detail"]
    assert detail == (
        "this path answers POST; ask by curl -s http://localhost:8000/ask "
        """-H 'content-type: application/json' -d '{"question": "What is this?"}'"""
    )


def test_methods_are_upper_case(serving: Serving) -> None:
    status, body, _ = call(create_app(serving), "post", "/ask", [])
    assert (status, body["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        *("/ask/", "//ask", "/ASK", "/ask;x", "/documents/", "/healthz/", "/redoc"),
        *("/..%2fservice.py", "/page/app.js", "/app.js/", "/%2e%2e/service.py", "/documents/%00"),
        *("/passages/none", "/documents/none.md", "/documents/%ff"),
    ],
)
def test_unknown_paths_are_404_without_redirect(client: TestClient, path: str) -> None:
    for method in ("GET", "POST") if "ask" in path.lower() else ("GET",):
        response = client.request(method, f"http://localhost{path}", follow_redirects=False)
        assert response.status_code == 404
        check_problem(response, 404, response.json()["code"])


@pytest.mark.parametrize("path", ["/%61sk", "/%41sk", "/as%6B"])
def test_escaped_letters_are_the_letters(client: TestClient, path: str) -> None:
    status = client.post(path, json={"question": "a"}).status_code
    assert status == (404 if path == "/%41sk" else 200)
