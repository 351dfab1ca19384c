"""A connection of `rag serve`: uvicorn's, with limits on time and number.

uvicorn waits without limit for headers, and for a client that does not read. It refuses malformed
HTTP as plain text, and treats a half-closed connection as one whose client has left. This module
fixes all four.
"""

from __future__ import annotations

import asyncio
import functools
import random
import socket
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rag.web.edge import MAX_HEADERS, safe_headers
from rag.web.plain_questions import PlainCycle, begin, plain_question
from rag.web.problems import CLOSE, Problem, problem_response, retry_after
from rag.web.unread import ASK, Admission, UnreadQuestion, question_in, refusal, refusals

# Every response begins with this, whatever its status.
START = b"HTTP/1.1 "

# Code and detail for a request that h11 cannot read, by the status that h11 suggests.
_UNREAD = {
    400: (
        "malformed_request",
        "the request is not HTTP/1.1 (RFC 9112): it needs a request line in which all but ASCII "
        "is escaped, one Host, well-formed headers, and a body as long as they say",
    ),
    431: ("headers_too_large", "the request line and its headers are too long or too many"),
    501: ("unsupported_encoding", "send the body without Transfer-Encoding, or as chunked alone"),
}


# By whether the connection ends.
_REFUSALS = {is_last: refusals(is_last) for is_last in (False, True)}

# How many bytes are read at a time. Each may be a chunk of its own, or every two a header, and no
# other request is served while they are parsed.
STEP = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections may be open, and how long each may take, in seconds.

    `header`: for a request line and its headers. `stalled`: without the client taking a byte of its
    answer. `refused`: for discarding what still comes in after a refusal. `look`: between two
    checks whether a half-closed client has left.
    """

    connections: int = 512
    header: float = 10.0
    stalled: float = 10.0
    refused: float = 2.0
    look: float = 0.1


class Connection(H11Protocol, asyncio.BufferedProtocol):
    """One client's connection. If too many are open, the one that has waited longest is ended.

    While none is admitted, questions are refused unread; `admission` counts all that is refused.

    It is a BufferedProtocol to limit how much asyncio reads at a time: by default 256 KB.
    """

    def __init__(
        self,
        *args: Any,
        limits: Limits,
        admission: Admission | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.limits = limits
        self._admission = admission or Admission()
        self.since = self.loop.time()
        self._buffer = bytearray(STEP)
        self._patience: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._half_closed = False
        self._refused = False
        # Bytes to come of a body whose question was refused unread.
        self._unread = 0
        # What came while a plain question was answered, which h11 has not seen.
        self._later = b""

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered."""
        # `cycle` is None before the first request, although uvicorn's types deny it.
        return bool(getattr(self.cycle, "response_complete", True))

    @property
    def is_new(self) -> bool:
        """Whether it has not sent a request yet, and may still do so."""
        return self.cycle is None and not self._refused and not self.transport.is_closing()

    @property
    def _is_between_requests(self) -> bool:
        """Whether the next byte begins a request."""
        return self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    @property
    def _answers_plainly(self) -> bool:
        return isinstance(self.cycle, PlainCycle) and self.cycle.is_plain and not self.is_waiting

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._give(self.limits.header)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._give(None)
        self._watch(None)
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> bytearray:
        """The buffer for the next bytes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have arrived in the buffer."""
        self.data_received(bytes(self._buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Bytes of a request; after a refusal they are discarded."""
        if self._refused:
            return
        if self._unread:
            # What follows the body is the client's next request.
            rest = data[self._unread :]
            self._unread -= len(data) - len(rest)
            if not rest:
                return
            data = rest
        if self._later or self._answers_plainly:
            self._later += data
            self.flow.pause_reading()
            return
        asks = self._is_between_requests and data.startswith(ASK)
        if asks and self._admission.is_full and (question := question_in(data)) is not None:
            self._refuse_unread(question)
            return
        if asks and (plain := plain_question(data)) is not None:
            self._unset_keepalive_if_required()
            begin(self, data, *plain)
        else:
            super().data_received(data)
        if asks:
            self._admission.let_in(self.loop)
        if self.is_waiting and self.conn.trailing_data[0].count(b"\n") > MAX_HEADERS:
            # They would take long to parse, and the edge would refuse them.
            self._refuse(Problem(431, *_UNREAD[431], CLOSE))
        if self._refused:
            return
        if not self.is_waiting:
            self._give(None)
        elif self._patience is None:
            self._give(self.limits.header)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. If it has sent a whole request, it still gets the answer."""
        if self._refused or self.is_waiting or self.cycle.more_body:
            return False
        self._half_closed = True
        if not self.cycle.response_started:
            self.transport.write(START)
            self.cycle.transport = cast(asyncio.Transport, _Begun(self.transport))
        self._look()
        return True

    def pause_writing(self) -> None:
        """The client reads more slowly than the service writes."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._watch(None)

    def on_response_complete(self) -> None:
        """The response has been passed to the transport."""
        self.since = self.loop.time()
        super().on_response_complete()
        if self._later and not self.transport.is_closing():
            data, self._later = self._later, b""
            self.data_received(data)
        if self._half_closed and self.is_waiting:
            self.transport.close()
        if self.transport.is_closing():
            self._watch_writing()

    def timeout_keep_alive_handler(self) -> None:
        """No further request has come."""
        super().timeout_keep_alive_handler()
        self._watch_writing()

    def shutdown(self) -> None:
        """The server is ending: closes the connection, after its response if one is due."""
        if self._refused:
            self.transport.close()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuses a request that h11 cannot read; its exception is being handled."""
        status = getattr(sys.exception(), "error_status_hint", 400)
        code, detail = _UNREAD.get(status, _UNREAD[400])
        self._refuse(Problem(status, code, detail, CLOSE))

    def _give(self, seconds: float | None, then: Callable[[], None] | None = None) -> None:
        """Limits the time until the client's next request; None for no limit."""
        if self._patience is not None:
            self._patience.cancel()
        late = then or self._too_late
        self._patience = None if seconds is None else self.loop.call_later(seconds, late)

    def _too_late(self) -> None:
        if self.is_waiting and self.conn.trailing_data[0]:
            detail = f"the headers did not arrive within {self.limits.header:g} seconds"
            self._refuse(Problem(408, "request_timeout", detail, CLOSE))
        else:
            self._admission.count("silent")
            self.transport.abort()

    def _refuse_unread(self, question: UnreadQuestion) -> None:
        """Refuses a question that has not been read; the connection stays open if it may."""
        self._admission.count("overloaded")
        self.transport.write(refusal(random.choice(_REFUSALS[question.is_last])))
        if question.is_last:
            self._end_refused()
            return
        self._unread = question.missing
        self.since = self.loop.time()
        self._give(None)
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _refuse(self, problem: Problem) -> None:
        """Answers with the problem, unless a response has begun, and ends the connection.

        What still comes in is discarded for a while: a connection that is closed with unread bytes
        is reset, and the client would not see the answer.
        """
        self._admission.count(problem.code)
        self._refused = True
        if not self.is_waiting:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        self.transport.write(_written(self.conn, problem))
        self._end_refused()

    def _end_refused(self) -> None:
        self._refused = True
        self.transport.write_eof()
        self._give(self.limits.refused, self.transport.abort)

    def _make_room(self) -> None:
        others = (each for each in self.connections if isinstance(each, Connection))
        waiting = [
            each
            for each in others
            if each is not self and each.is_waiting and not each.transport.is_closing()
        ]
        if waiting:
            self._admission.count("made_room")
            min(waiting, key=lambda each: each.since).transport.abort()
        else:
            detail = "the service has as many connections as it can have"
            self._refuse(Problem(429, "too_many_connections", detail, {**CLOSE, **retry_after()}))

    def _look(self) -> None:
        """Ends the connection if the half-closed client has left.

        A client that has closed looks like one that has half-closed until something is sent to it.
        That is why `START` is sent early: if the client has left, its system then resets.
        """
        if self.is_waiting or self.transport.is_closing():
            return
        wire = self.transport.get_extra_info("socket")
        if wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self.loop.call_later(self.limits.look, self._look)

    def _watch(self, left: int | None) -> None:
        """Checks later whether fewer than `left` bytes are unsent; None stops that."""
        if self._stall is not None:
            self._stall.cancel()
        again = functools.partial(self._watch_writing, left)
        self._stall = None if left is None else self.loop.call_later(self.limits.stalled, again)

    def _watch_writing(self, before: int | None = None) -> None:
        """Ends the connection if the client has read nothing since the last check."""
        left = self.transport.get_write_buffer_size()
        if before is not None and left >= before:
            self.transport.abort()
        elif left:
            self._watch(left)


class _Begun:
    """A transport to which `START` has already been written."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._written = len(START)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, sent: bytes) -> None:
        """Writes the bytes, without the `START` of the first ones."""
        self._transport.write(sent[self._written :])
        self._written = 0


def _written(conn: h11.Connection, problem: Problem) -> bytes:
    """The whole response for the problem, as bytes on the wire."""
    request_id = uuid.uuid4().hex
    response = problem_response(problem, request_id)
    safe = [(name.encode(), value.encode()) for name, value in safe_headers(request_id).items()]
    head = h11.Response(
        status_code=problem.status,
        headers=[*response.raw_headers, *safe],
        reason=HTTPStatus(problem.status).phrase.encode(),
    )
    events = (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage())
    return b"".join(conn.send(event) or b"" for event in events)
