"""A real server in a thread, and raw bytes sent to it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from rag.web.connection import Limits
from rag.web.listener import listen
from rag.web.server import server_of
from rag.web.unread import Admission

JSON = b"Content-Type: application/json\r\n"


@contextmanager
def running(
    app: Any, limits: Limits | None = None, admission: Admission | None = None
) -> Iterator[int]:
    """The port at which `rag serve`'s server answers with the application."""
    server = server_of(app, limits, admission=admission)
    with listen("127.0.0.1", 0) as listener, served(server, [listener]):
        yield listener.getsockname()[1]


@contextmanager
def served(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> Iterator[None]:
    """While it lasts, the server answers."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


def connected(port: int, sent: bytes = b"") -> socket.socket:
    """A connection on which that has been sent."""
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall(sent)
    return client


def received(client: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    client.close()
    return b"".join(parts)


def raw(port: int, sent: bytes) -> bytes:
    """What comes back for these bytes until the other end closes."""
    return received(connected(port, sent))


def request(line: str, body: bytes = b"", head: bytes = b"Connection: close\r\n") -> bytes:
    """A request's bytes; a body is JSON."""
    if body:
        head += JSON + b"Content-Length: %d\r\n" % len(body)
    return f"{line} HTTP/1.1\r\nHost: localhost\r\n".encode() + head + b"\r\n" + body


def status_of(answer: bytes) -> int:
    """The status of a response."""
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> Any:
    """The JSON of a response that is not chunked."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])
