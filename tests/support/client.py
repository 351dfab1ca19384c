"""Requests to a service in this process, and the shape of its refusals."""

from __future__ import annotations

import json
from typing import Any

import anyio
from fastapi.testclient import TestClient

from service import create_app
from support.word_count_service import serving_of

JSON = {"content-type": "application/json"}


def client_of(texts: dict[str, str]) -> TestClient:
    """A client of a service over these texts."""
    return TestClient(create_app(serving_of(texts)), base_url="http://localhost")


def asked(client: TestClient, body: bytes | str, **headers: str) -> Any:
    """The response to that body as a question."""
    sent = body if isinstance(body, bytes) else body.encode()
    return client.post("/ask", content=sent, headers={**JSON, **headers})


def check_problem(response: Any, status: int, code: str) -> None:
    """Fails unless the response is a refusal of that status and code, in the one shape."""
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == body["request_id"]


def call(
    app: Any,
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    host: bool = True,
    **scope: Any,
) -> tuple[int, dict[str, Any], int]:
    """A request straight to the application, its body endless: status, body, events read."""
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope |= {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers] if host else headers,
    }
    anyio.run(app, scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    is_json = b"json" in dict(sent[0]["headers"])[b"content-type"]
    return sent[0]["status"], json.loads(body) if is_json else {}, read
