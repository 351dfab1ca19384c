"""Questions that are refused unread while the queue is full."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest

from rag.types import Answer
from rag.web.listener import listen
from rag.web.server import server_of
from rag.web.state import Capacity
from rag.web.unread import Admission, UnreadQuestion, question_in
from service import create_app
from support.raw_http import JSON, body_of, connected, raw, received, request, served, status_of
from support.word_count_service import serving_of

BODY = b'{"question":"dogs"}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
ASK = b"POST /ask HTTP/1.1\r\nHost: localhost\r\n" + JSON + LENGTH + b"\r\n" + BODY


@pytest.mark.parametrize(
    ("sent", "missing", "is_last"),
    [
        (ASK, 0, False),
        (ASK.replace(b"Content-Length: ", b"content-length:"), 0, False),
        (
            ASK.replace(JSON, JSON + b"Authorization: Bearer rag_x\r\nCookie: a=b; c=d\r\n"),
            0,
            False,
        ),
        (ASK.replace(JSON, JSON + b"Connection: keep-alive\r\n"), 0, False),
        (ASK.replace(JSON, JSON + b"CONNECTION:close\r\n"), 0, True),
        (ASK[:-1], 1, False),
        (ASK.removesuffix(BODY), len(BODY), False),
    ],
)
def test_question_is_known_by_its_head(sent: bytes, missing: int, is_last: bool) -> None:
    assert question_in(sent) == UnreadQuestion(missing, is_last)


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"POST /ask", ASK + b"x", ASK + ASK, ASK.replace(b"POST", b"post")),
        *(
            ASK.replace(b"/ask", b"/asks"),
            ASK.replace(b"/ask", b"/ask?x"),
            ASK.replace(b"1.1", b"1.0"),
        ),
        ASK.replace(JSON, JSON + b"Connection: Upgrade\r\n"),
        ASK.replace(JSON, JSON + b"Connection: close, te\r\n"),
        ASK.replace(JSON, JSON + b"EXPECT: 100-continue\r\n"),
        ASK.replace(JSON, JSON + b"Transfer-Encoding: chunked\r\n"),
        *(ASK.replace(LENGTH, LENGTH * 2), ASK.replace(LENGTH, b""), ASK.replace(b"\r\n", b"\n")),
        ASK.replace(LENGTH, b"Content-Length: 16385\r\n"),
        # Two lengths, of which the pattern of one alone reads the first.
        *(
            ASK.replace(LENGTH, LENGTH + b"Content-Length:" + other + b"\r\n")
            for other in (b" 5,5", b"\t5", b" +5", b" 0000005", b"")
        ),
        ASK.replace(JSON, b"no colon\r\n"),
    ],
)
def test_what_is_unusual_is_left_to_be_read(sent: bytes) -> None:
    assert question_in(sent) is None


def test_the_last_place_is_given_once_in_a_round_of_the_loop() -> None:
    admission = Admission(lambda: 1)

    async def arrive() -> list[bool]:
        seen = [admission.is_full]
        admission.let_in(asyncio.get_running_loop())
        seen.append(admission.is_full)
        await asyncio.sleep(0)
        return [*seen, admission.is_full]

    assert asyncio.run(arrive()) == [False, True, False]


@contextmanager
def full_service() -> Iterator[tuple[int, threading.Event]]:
    """The port of a service whose only place is taken, until the event."""
    go_on, began = threading.Event(), threading.Event()
    serving = serving_of({"a.md": "Dogs travel.\n"})

    def slow(question: str, **options: Any) -> Answer:
        began.set()
        assert go_on.wait(timeout=20)
        return serving.ask(question, **options)

    capacity = Capacity(threads=1, queue=0, deadline=30.0)
    app = create_app(replace(serving, ask=slow), capacity=capacity)
    with listen("127.0.0.1", 0) as listener, ExitStack() as stack:
        port = listener.getsockname()[1]
        stack.enter_context(
            served(server_of(app, admission=app.state.service.admission), [listener])
        )
        first = stack.enter_context(connected(port, ASK))
        assert began.wait(timeout=10)
        try:
            yield port, go_on
        finally:
            go_on.set()
            first.recv(65536)


def test_question_is_refused_as_one_that_is_read() -> None:
    with full_service() as (port, _):
        with connected(port, ASK) as client:
            unread = client.recv(65536)
        read = raw(port, ASK.replace(JSON, JSON + b"Connection: close, te\r\n"))
    for answer in (unread, read):
        assert (status_of(answer), body_of(answer)["code"]) == (429, "overloaded")
    assert body_of(unread)["request_id"].encode() in unread.partition(b"\r\n\r\n")[0]
    assert body_of(unread) == body_of(read) | {"request_id": body_of(unread)["request_id"]}
    assert names(unread) | {"connection", "date"} == names(read) | {"connection", "date"}


def test_connection_that_is_to_be_closed_is_closed_after_the_refusal() -> None:
    with full_service() as (port, _):
        answer = raw(port, ASK.replace(JSON, JSON + b"Connection: close\r\n"))
    assert (status_of(answer), body_of(answer)["code"]) == (429, "overloaded")
    assert "connection" in names(answer)


def test_body_that_comes_after_its_refusal_is_discarded_and_the_next_request_is_read() -> None:
    with full_service() as (port, _), connected(port, ASK.removesuffix(BODY)) as client:
        assert status_of(client.recv(65536)) == 429
        client.sendall(BODY[:5])
        time.sleep(0.05)
        client.sendall(BODY[5:] + request("GET /healthz"))
        assert body_of(received(client)) == {"status": "ok"}


def names(answer: bytes) -> set[str]:
    """The names of the headers."""
    lines = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")[1:]
    return {line.partition(":")[0] for line in lines}


def test_connection_stays_open_and_is_answered_when_there_is_room() -> None:
    with full_service() as (port, go_on):
        client = HTTPConnection("127.0.0.1", port, timeout=20)
        # It sends head and body in two pieces, as many clients do.
        ids = {answer(client)[1] for _ in range(20)}
        assert len(ids) == 20
        wire = client.sock
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b'{"status":"ok"}'
        go_on.set()
        deadline = time.monotonic() + 10
        while answer(client)[0] == 429 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert answer(client)[0] == 200
        assert client.sock is wire
        client.close()


def answer(client: HTTPConnection) -> tuple[int, str | None]:
    """The status and the request id of an answer to the question."""
    client.request("POST", "/ask", BODY, {"Content-Type": "application/json"})
    response = client.getresponse()
    response.read()
    return response.status, response.getheader("x-request-id")


def test_idle_connection_is_closed_after_a_refusal_too() -> None:
    with full_service() as (port, _):
        client = connected(port, ASK)
        begun = time.monotonic()
        assert status_of(received(client)) == 429
        assert 3 < time.monotonic() - begun < 9
