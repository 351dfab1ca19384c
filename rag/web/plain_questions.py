"""Questions as nearly all clients send them, read and answered without h11.

h11 checks a request and a response part by part, in Python, which takes a quarter of the time that
HTTP takes for a question. A `POST /ask` that has come whole, with plain headers alone, is read by
one pattern instead, and its response is written in one piece. Whatever is unusual is left to h11.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

from rag.web.unread import question_in

Headers = list[tuple[bytes, bytes]]

CLOSE = (b"connection", b"close")


def plain_question(sent: bytes) -> tuple[Headers, bytes] | None:
    """The headers and the body of the one whole `POST /ask` that was sent, if it is plain."""
    asked = question_in(sent)
    if asked is None or asked.missing or asked.is_last:
        return None
    head, _, body = sent.partition(b"\r\n\r\n")
    _, *lines = head.split(b"\r\n")
    parts = (line.partition(b":") for line in lines)
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in parts]
    return (headers, body) if sum(name == b"host" for name, _ in headers) == 1 else None


class PlainCycle(RequestResponseCycle):
    """uvicorn's cycle of a request that h11 has not seen. Its response is written in one piece.

    A response of another kind needs h11: then h11 is given the request, and all is as usual.
    """

    def __init__(self, sent: bytes, body: bytes, **options: Any) -> None:
        super().__init__(**options)
        self.body += body
        self.more_body = False
        self.message_event.set()
        self.is_plain = True
        self._sent = sent
        self._head: Any = None

    async def send(self, message: Any) -> None:
        """Keeps the head of a response that may be written in one piece until its body is there."""
        begins = message["type"] == "http.response.start"
        if not self.is_plain or self.disconnected:
            await super().send(message)
        elif begins and _is_plain(message):
            self._head = message
        elif not begins and self._head is not None and _is_whole(self._head, message):
            await self._write(self._head["status"], self._head["headers"], message.get("body", b""))
        else:
            self._leave_to_h11()
            if not begins and self._head is not None:
                await super().send(self._head)
            await super().send(message)

    async def _write(self, status: int, headers: Headers, body: bytes) -> None:
        if self.flow.write_paused:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.message_event.set()
        headers = [*self.default_headers, *headers]
        self.transport.write(
            b"HTTP/1.1 %d %b\r\n%b\r\n%b"
            % (
                status,
                STATUS_PHRASES[status],
                b"".join(b"%b: %b\r\n" % each for each in headers),
                body,
            )
        )
        if CLOSE in headers or not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _leave_to_h11(self) -> None:
        """Brings h11 to where it would be if it had read the request."""
        self.is_plain = False
        self.conn.receive_data(self._sent)
        while not isinstance(self.conn.next_event(), h11.EndOfMessage):
            pass


def begin(connection: H11Protocol, sent: bytes, headers: Headers, body: bytes) -> None:
    """Begins to answer a plain question that was sent on the connection."""
    path = f"{connection.root_path}/ask"
    connection.headers = headers
    connection.scope = {
        "type": "http",
        "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
        "http_version": "1.1",
        "server": connection.server,
        "client": connection.client,
        "scheme": connection.scheme or "http",
        "method": "POST",
        "root_path": connection.root_path,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "state": connection.app_state.copy(),
    }
    connection.cycle = PlainCycle(
        sent,
        body,
        scope=connection.scope,
        conn=connection.conn,
        transport=connection.transport,
        flow=connection.flow,
        logger=connection.logger,
        access_logger=connection.access_logger,
        access_log=connection.access_log,
        default_headers=connection.server_state.default_headers,
        message_event=asyncio.Event(),
        on_response=connection.on_response_complete,
    )
    task = connection.loop.create_task(connection.cycle.run_asgi(connection.app))
    task.add_done_callback(connection.tasks.discard)
    connection.tasks.add(task)


def _is_plain(head: Any) -> bool:
    """Whether h11 would write the head as it is, before a body of the stated length."""
    headers: Headers = head["headers"]
    return (
        head["status"] >= 200
        and any(name == b"content-length" for name, _ in headers)
        and not any(b"\n" in value or b"\r" in value for _, value in headers)
        and all(value == b"close" for name, value in headers if name == b"connection")
    )


def _is_whole(head: Any, message: Any) -> bool:
    """Whether the message is the whole body of a response with this head."""
    lengths = [value for name, value in head["headers"] if name == b"content-length"]
    return not message.get("more_body") and lengths == [b"%d" % len(message.get("body", b""))]
