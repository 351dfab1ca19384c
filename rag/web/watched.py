"""The outermost layer: each request is counted, and told to the log and to traces."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.serving import Tally
from rag.types import Answer
from rag.web.counted import count_request

# Where the ASGI scope has the record of the request.
RECORD = "rag.record"
# The client has left before the response.
LEFT = "499"


@dataclass(slots=True)
class Asked:
    """A question as it was asked, and its answer, None if that was remembered."""

    question: str
    top_k: int
    snapshot: str
    model: str
    answer: Answer | None


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request.

    `started` is in seconds since 1970, `key` the id of its key, `parent` the trace that it is of.
    """

    method: str
    path: str
    started: float
    seconds: float = 0.0
    status: str = LEFT
    request_id: str = ""
    key: str | None = None
    parent: str | None = None
    asked: Asked | None = None


# Is told of each request when it has ended.
Watcher = Callable[[RequestRecord], None]


class Watched:
    """ASGI middleware: keeps a record of each request, counts it, and tells the watchers of it."""

    def __init__(self, app: ASGIApp, tally: Tally, watchers: Sequence[Watcher] = ()) -> None:
        self.app = app
        self._tally = tally
        self._watchers = watchers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parent = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        record = RequestRecord(scope["method"], scope["path"], time.time(), parent=parent or None)
        started = time.perf_counter()

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = str(message["status"])
                record.request_id = dict(message["headers"]).get(b"x-request-id", b"").decode()
            await send(message)

        try:
            await self.app({**scope, RECORD: record}, receive, seen)
        finally:
            record.seconds = time.perf_counter() - started
            count_request(self._tally, record.path, record.status, record.seconds)
            for told in self._watchers:
                told(record)


def record_of(scope: Scope) -> RequestRecord | None:
    """The record of a request, if it is watched."""
    record: RequestRecord | None = scope.get(RECORD)
    return record
