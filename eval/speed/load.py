"""A closed-loop load on a local server: each connection sends its next request when it has the
answer to the last.

`python -m eval.speed.load PORT CONNECTIONS` reads requests as JSON strings, one a line, and prints
the figures as JSON. It is a process of its own, so that its work is not done in the time of the
server, and it does as little as it can: it shares the cores with the server.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import quote

from eval.speed.figures import percentiles
from rag.types.errors import RagError

HOST = "127.0.0.1"
# Seconds without an answer after which the server counts as stuck.
PATIENCE = 60.0
_END = b"\r\n\r\n"


class LoadError(RagError):
    """The server gave no answer, or not the answer that was asked for."""


@dataclass(frozen=True, slots=True)
class Load:
    """How long all requests took together, and each, in milliseconds, in order of completion."""

    seconds: float
    milliseconds: tuple[float, ...]


@dataclass(slots=True)
class Exchange:
    """A request that was sent at `sent`, and what has been received of its answer."""

    sent: float
    received: bytearray = field(default_factory=bytearray)


def post(target: str, body: object) -> str:
    """A POST request with a JSON body on a connection that is kept alive."""
    text = json.dumps(body)
    head = f"Content-Type: application/json\r\nContent-Length: {len(text)}"
    return f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\n{head}\r\n\r\n{text}"


def get(target: str, **query: str) -> str:
    """A GET request on a connection that is kept alive."""
    given = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    return f"GET {target}?{given} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"


def run(port: int, requests: Sequence[str], connections: int) -> Load:
    """The times of the requests, spread over so many connections.

    Raises LoadError if an answer has another status than 200 or does not come.
    """
    waiting = iter([request.encode() for request in requests])
    with selectors.DefaultSelector() as selector, ExitStack() as opened:
        sockets = [
            opened.enter_context(_connection(port)) for _ in range(min(connections, len(requests)))
        ]
        start = time.perf_counter()
        for each, request in zip(sockets, islice(waiting, len(sockets)), strict=True):
            selector.register(each, selectors.EVENT_READ, _send(each, request))
        taken = tuple(_answers(selector, waiting))
        return Load(time.perf_counter() - start, taken)


def ask_once(port: int, request: str) -> bool:
    """Whether the server answers the request; false if it cannot be reached yet."""
    try:
        run(port, [request], 1)
    except OSError:
        return False
    return True


def merged(loads: Sequence[Load]) -> dict[str, float]:
    """Requests a second over all loads, and percentiles of all latencies in milliseconds."""
    taken = [each for load in loads for each in load.milliseconds]
    seconds = sum(load.seconds for load in loads)
    return {"requests_per_second": len(taken) / seconds, **percentiles(taken)}


def complete(received: bytes | bytearray) -> bool:
    """Whether the bytes are a whole answer. Raises LoadError unless its status is 200."""
    head, end, body = received.partition(_END)
    if not end:
        return False
    status, *lines = head.decode("latin-1").split("\r\n")
    if status.split()[1:2] != ["200"]:
        raise LoadError(f"the server answered {status!r}: {bytes(body[:200])!r}")
    fields = dict(line.lower().split(":", 1) for line in lines)
    if "content-length" not in fields:
        raise LoadError("the server names no Content-Length: this client reads no chunks")
    return len(body) >= int(fields["content-length"])


def _answers(selector: selectors.BaseSelector, waiting: Iterator[bytes]) -> Iterator[float]:
    """The milliseconds of each exchange that ends; its connection then sends the next request."""
    while selector.get_map():
        ready = selector.select(PATIENCE)
        if not ready:
            raise LoadError(f"the server has not answered for {PATIENCE:.0f} seconds")
        for key, _ in ready:
            each, exchange = key.fileobj, key.data
            assert isinstance(each, socket.socket) and isinstance(exchange, Exchange)
            part = each.recv(1 << 20)
            if not part:
                raise LoadError("the server closed a connection before its answer")
            exchange.received += part
            if not complete(exchange.received):
                continue
            yield 1000 * (time.perf_counter() - exchange.sent)
            selector.unregister(each)
            if request := next(waiting, b""):
                selector.register(each, selectors.EVENT_READ, _send(each, request))


def _connection(port: int) -> socket.socket:
    made = socket.create_connection((HOST, port), PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _send(each: socket.socket, request: bytes) -> Exchange:
    sent = time.perf_counter()
    each.sendall(request)
    return Exchange(sent)


def main(port: str, connections: str) -> None:
    """Load the server with the requests on standard input."""
    load = run(int(port), [json.loads(line) for line in sys.stdin], int(connections))
    print(json.dumps({"seconds": load.seconds, "milliseconds": load.milliseconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
