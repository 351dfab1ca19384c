"""A client that keeps one connection to a service, and what is compared of its answers."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any

# Seconds without an answer after which a request counts as failed.
PATIENCE = 60.0
_TOOK = re.compile(rb'"took_ms":[0-9.e+-]+')


@dataclass(frozen=True)
class Reply:
    """A whole response."""

    status: int
    body: bytes

    @property
    def same(self) -> bytes:
        """The bytes of an answer that are the same each time: all but the time taken."""
        return _TOOK.sub(b"", self.body)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """One connection, kept alive. The server closes it if it is idle for some seconds."""

    def __init__(self, port: int) -> None:
        self._wire = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(self, question: str) -> Reply:
        """The answer to the question."""
        return self.post("/ask", {"question": question})

    def post(self, path: str, body: object) -> Reply:
        """The response to that JSON."""
        return self._sent("POST", path, json.dumps(body).encode())

    def get(self, path: str) -> Reply:
        """The response of that path."""
        return self._sent("GET", path, None)

    def close(self) -> None:
        """Closes the connection."""
        self._wire.close()

    def _sent(self, method: str, path: str, body: bytes | None) -> Reply:
        self._wire.request(method, path, body, {"Content-Type": "application/json"})
        response = self._wire.getresponse()
        return Reply(response.status, response.read())
