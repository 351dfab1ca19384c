"""Questions that h11 does not see are answered as those that it reads."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rag.web.listener import listen
from rag.web.plain_questions import plain_question
from rag.web.server import server_of
from service import create_app
from support.raw_http import JSON, connected, received, running, served, status_of
from support.word_count_service import serving_of

BODY = b'{"question":"dogs"}'
# h11 reads a header that is not ASCII.
UNUSUAL = b"X-Name: caf\xe9\r\n"


def question(body: bytes = BODY, head: bytes = JSON) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /ask HTTP/1.1\r\nHost: localhost\r\n" + length + head + b"\r\n" + body


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running(create_app(serving_of({"guide.md": "Dogs bark.\n"}))) as port:
        yield port


def exchanged(client: socket.socket, sent: bytes) -> bytes:
    """The response, which states its length, to what is sent."""
    client.sendall(sent)
    answer, end = b"", 1
    while len(answer) < end:
        part = client.recv(65536)
        assert part
        answer += part
        head = re.search(rb"(?s)content-length: (\d+).*?\r\n\r\n", answer)
        end = head.end() + int(head[1]) if head else len(answer) + 1
    return answer


def comparable(answer: bytes) -> bytes:
    """A response without what differs from one to the next."""
    return re.sub(
        rb"date: [^\r]*|x-request-id: \w*|X-Request-Id: \w*|\"request_id\":\"\w*\"|"
        rb"\"took_ms\":[\d.]*|content-length: \d*",
        b"",
        answer,
    )


def test_a_plain_question_is_read_without_h11() -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"19"), (b"x", b"a b")]
    assert plain_question(question(head=b"X:  a b\t \r\n")) == (headers, BODY)


@pytest.mark.parametrize(
    "sent",
    [
        question(head=UNUSUAL),
        question(head=b"Connection: close\r\n"),
        question(head=b"Expect: 100-continue\r\n"),
        question(head=b"Host: other\r\n"),
        question(head=b"X(: y\r\n"),
        question(head=b"X : y\r\n"),
        question(head=b"X: y\x00\r\n"),
        question(head=b"X: y\r\n z\r\n"),
        question().replace(b"Host: localhost\r\n", b""),
        question()[:-1],
        question() + b"P",
    ],
)
def test_what_is_unusual_is_left_to_h11(sent: bytes) -> None:
    assert plain_question(sent) is None


@pytest.mark.parametrize("body", [BODY, b'{"question":""}', b"[", b'{"question":"dogs","top_k":0}'])
def test_the_response_is_the_one_that_h11_writes(port: int, body: bytes) -> None:
    with connected(port) as client:
        plain = exchanged(client, question(body))
        other = exchanged(client, question(body, JSON + UNUSUAL))
        assert comparable(plain) == comparable(other)
        assert exchanged(client, question()).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_refusal_that_ends_the_connection_ends_it(port: int) -> None:
    client = connected(port, question(head=b"Content-Type: text/plain\r\n"))
    assert status_of(received(client)) == 415


def test_a_client_that_sends_no_more_gets_its_answer(port: int) -> None:
    client = connected(port, question())
    client.shutdown(socket.SHUT_WR)
    assert status_of(received(client)) == 200


class Slow:
    """An application that answers with the body that it gets, once it may."""

    def __init__(self) -> None:
        self.begun, self.may = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        self.begun.set()
        await asyncio.to_thread(self.may.wait, 10)
        await Response(body)(scope, receive, send)


@pytest.mark.parametrize("unusual", [b"", UNUSUAL])
def test_what_comes_during_an_answer_is_answered_after_it(unusual: bytes) -> None:
    app = Slow()
    with running(app) as port, connected(port, question(b"one", b"")) as client:
        assert app.begun.wait(10)
        client.sendall(question(b"two", unusual))
        client.shutdown(socket.SHUT_WR)
        app.may.set()
        assert re.findall(rb"\r\n\r\n(one|two)", received(client)) == [b"one", b"two"]


def test_a_client_that_leaves_during_its_answer_ends_nothing_else() -> None:
    app = Slow()
    with running(app) as port:
        connected(port, question(b"one", b"")).close()
        assert app.begun.wait(10)
        with connected(port, question(b"two", b"")) as client:
            app.may.set()
            assert client.recv(65536).endswith(b"two")


def test_a_server_that_ends_says_so_in_its_last_answer() -> None:
    app = Slow()
    server = server_of(app)
    with listen("127.0.0.1", 0) as listener, served(server, [listener]):
        client = connected(listener.getsockname()[1], question(b"one", b""))
        assert app.begun.wait(10)
        server.should_exit = True
        while not server.servers or server.servers[0].is_serving():
            app.begun.wait(0.01)
        app.may.set()
        answer = received(client)
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"one")


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in parts."""
    await StreamingResponse(iter([b"one", b"two"]))(scope, receive, send)


async def crashing(scope: Scope, receive: Receive, send: Send) -> None:
    """Fails."""
    raise ValueError("as it should")


def test_an_answer_in_parts_is_left_to_h11() -> None:
    with running(streaming) as port, connected(port, question(b"x", b"")) as client:
        client.sendall(question(b"x", b"Connection: close\r\n"))
        answers = received(client)
    assert answers.count(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") == 2


def test_a_response_that_says_otherwise_that_it_is_the_last_one_ends_the_connection() -> None:
    async def closing(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b"bye", headers={"Connection": "Close"})(scope, receive, send)

    with running(closing) as port, connected(port) as client:
        assert exchanged(client, question(b"x", b"")).endswith(b"bye")
        with suppress(ConnectionError):
            client.sendall(question(b"x", b""))
            assert client.recv(65536) == b""


def test_the_head_of_an_answer_in_parts_does_not_wait_for_the_first_part() -> None:
    may = threading.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        async def parts() -> AsyncIterator[bytes]:
            assert await asyncio.to_thread(may.wait, 10)
            yield b"one"

        await StreamingResponse(parts())(scope, receive, send)

    with running(late) as port, connected(port, question(b"x", b"")) as client:
        assert status_of(client.recv(65536)) == 200
        may.set()


def test_an_application_that_fails_after_the_head_of_its_answer_is_answered_for() -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"3")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise ValueError("as it should")

    with running(half) as port:
        assert status_of(received(connected(port, question(b"x", b"")))) == 500


def test_an_application_that_fails_is_answered_for() -> None:
    with running(crashing) as port:
        assert status_of(received(connected(port, question(b"x", b"")))) == 500


def test_what_comes_during_an_answer_in_parts_is_answered_in_order() -> None:
    app = Parts()
    with running(app) as port, connected(port, question(b"one", b"")) as client:
        assert app.begun.wait(10)
        client.sendall(question(b"two", b""))
        app.may.set()
        assert app.streamed.wait(10)
        client.sendall(question(b"three", b"Connection: close\r\n"))
        app.ends.set()
        assert re.findall(rb"\r\n(one|two|three)\r\n", received(client)) == [
            b"one",
            b"two",
            b"three",
        ]


class Parts(Slow):
    """An application that answers in a part that comes once it may, and an end that comes later."""

    def __init__(self) -> None:
        super().__init__()
        self.streamed, self.ends = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        self.begun.set()
        await asyncio.to_thread(self.may.wait, 10)

        async def parts() -> AsyncIterator[bytes]:
            yield body
            self.streamed.set()
            await asyncio.to_thread(self.ends.wait, 10)

        await StreamingResponse(parts())(scope, receive, send)
