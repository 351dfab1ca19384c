from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from statistics import median
from typing import Any

import pytest
import uvicorn

from rag.types import Answer
from rag.web.connection import Limits
from rag.web.listener import listen
from rag.web.state import Capacity
from service import create_app
from support.places import ROOT
from support.raw_http import (
    JSON,
    body_of,
    connected,
    raw,
    received,
    request,
    running,
    served,
    status_of,
)
from support.word_count_service import GUIDE, serving_of

LONG = "Ships sail. " * 700_000
GUIDED = {"guide.md": GUIDE}
HEALTH = request("GET /healthz")
ASK = b'{"question":"dogs travel"}'
# A service like `rag serve`, without a model to load.
SERVE = """
import resource, sys
sys.path[:0] = {paths!r}
from support.word_count_service import serving_of
from rag.web.listener import listen
from rag.web.server import server_of
from rag.web.state import Capacity
from service import create_app
resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))
with listen("127.0.0.1", 0) as listener:
    print(listener.getsockname()[1], flush=True)
    app = create_app(serving_of({{"long.md": "Ships sail. " * 3_000_000}}))
    server_of(app, grace={grace}).run(sockets=[listener])
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running(create_app(serving_of(GUIDED))) as port:
        yield port


def check_problem(answer: bytes, status: int, code: str) -> None:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert (status_of(answer), body_of(answer)["code"]) == (status, code)
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert b"content-security-policy: default-src 'none'" in head
    assert f"x-request-id: {body_of(answer)['request_id']}".encode() in head


# ---- Nagle


def answering(port: int) -> HTTPConnection:
    """A keep-alive connection by which one answer has come."""
    client = HTTPConnection("127.0.0.1", port)
    seconds_of(client)
    return client


def seconds_of(client: HTTPConnection) -> float:
    """How long an answer takes."""
    started = time.perf_counter()
    client.request("POST", "/ask", ASK, {"content-type": "application/json"})
    assert client.getresponse().read()
    return time.perf_counter() - started


def test_keep_alive_client_is_answered_as_soon_as_by_uvicorn() -> None:
    app = create_app(serving_of({"guide.md": GUIDE}))
    plain = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    with running(app) as port, served(plain):
        other = plain.servers[0].sockets[0].getsockname()[1]
        ours, theirs = answering(port), answering(other)
        ratios = [ratio(ours, theirs) for _ in range(5)]
        ours.close()
        theirs.close()
    print(f"rag serve takes {median(ratios):.2f} times the time of uvicorn")
    # Other processes may slow one down; Nagle's delay makes it tenfold each time.
    assert min(ratios) <= 1.2


def ratio(ours: HTTPConnection, theirs: HTTPConnection) -> float:
    """How often the one's median time of an answer goes into the other's, asked in turns."""
    pairs = [(seconds_of(ours), seconds_of(theirs)) for _ in range(50)]
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


def test_accepted_sockets_send_without_delay() -> None:
    with listen("127.0.0.1", 0) as listener, connected(listener.getsockname()[1]):
        accepted, _ = listener.accept()
        with accepted:
            # What asyncio looks at before it sets TCP_NODELAY.
            assert accepted.proto == socket.IPPROTO_TCP


# ---- what is no HTTP


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"hello\r\n\r\n", 400, "malformed_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400, "malformed_request"),
        (b"GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "malformed_request"),
        (request("GET /", head=b"Transfer-Encoding: gzip\r\n"), 501, "unsupported_encoding"),
        (request("GET /", head=b"X: " + b"a" * 100_000 + b"\r\n"), 431, "headers_too_large"),
        (
            request("POST /ask", head=JSON + b"Transfer-Encoding: chunked\r\n") + b"zz\r\n",
            400,
            "malformed_request",
        ),
    ],
)
def test_what_is_no_http_is_refused_as_a_problem(
    port: int, sent: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_problem(raw(port, sent), status, code)
    assert caplog.messages == []


def test_what_follows_an_answer_and_is_no_http_is_refused_after_it(port: int) -> None:
    answer = raw(port, request("GET /healthz", head=b"") + b"hello\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"]


@pytest.mark.parametrize("target", ["*", "/", "http://localhost/"])
def test_load_balancer_may_ask_for_the_options(port: int, target: str) -> None:
    answer = raw(port, f"OPTIONS {target} HTTP/1.0\r\n\r\n".encode())
    assert (status_of(answer), b"allow: GET, HEAD\r\n" in answer) == (204, True)


def test_refusal_names_what_to_mend(port: int) -> None:
    coded = body_of(raw(port, request("POST /ask", head=b"Transfer-Encoding: gzip\r\n")))
    assert coded["detail"] == "send the body without Transfer-Encoding, or as chunked alone"
    spoken = body_of(raw(port, "GET /documents/Türme HTTP/1.1\r\n\r\n".encode()))
    assert "all but ASCII is escaped" in spoken["detail"]


def test_many_headers_are_refused_before_they_are_parsed(port: int) -> None:
    answer = raw(port, request("GET /", head=b"a:b\r\n" * 12_000))
    check_problem(answer, 431, "headers_too_large")
    assert body_of(answer)["detail"].endswith("too long or too many")


def test_many_small_chunks_stall_nobody(port: int) -> None:
    chunks = b"1\r\nx\r\n" * 40_000
    head = JSON + b"Transfer-Encoding: chunked\r\n"
    with connected(port, request("POST /ask", head=head) + chunks):
        # Parsed at one go, the chunks take 2 s.
        assert max(seconds_of_health(port) for _ in range(10)) < 0.5


def seconds_of_health(port: int) -> float:
    """How long a probe waits for its answer."""
    started = time.perf_counter()
    assert status_of(raw(port, HEALTH)) == 200
    return time.perf_counter() - started


# ---- bodies that nobody reads


@pytest.mark.parametrize(
    ("line", "head", "status"),
    [
        ("POST /ask", JSON, 413),
        ("POST /ask", b"Content-Type: text/plain\r\n", 415),
        ("POST /nothing", JSON, 404),
        ("POST /healthz", JSON, 405),
        ("GET /healthz", JSON, 200),
        ("POST /index/rebuild", JSON + b"Origin: http://other.example\r\n", 403),
        ("POST /ask", JSON + b"X: a\r\n" * 100, 431),
        ("POST /ask", JSON + b"Transfer-Encoding: chunked\r\n", 400),
    ],
)
def test_client_that_sends_ten_megabytes_sees_the_answer(
    port: int, line: str, head: bytes, status: int
) -> None:
    length = 10_000_000
    head += b"Connection: close\r\nContent-Length: %d\r\n" % length
    chunk = b"%x\r\n" % length if b"chunked" in head else b""
    client = connected(port, request(line, head=head) + chunk)
    client.sendall(b" " * length + (b"\r\n0\r\n\r\n" if chunk else b""))
    assert status_of(received(client)) == status


# ---- half-closed clients and such that have left


@pytest.mark.parametrize(
    "sent", [request("POST /ask", ASK), request("POST /ask", ASK, head=b""), HEALTH]
)
def test_half_closed_client_is_answered(port: int, sent: bytes) -> None:
    client = connected(port, sent)
    client.shutdown(socket.SHUT_WR)
    answer = received(client)
    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1


def test_half_closed_client_gets_every_answer_that_it_asked_for(port: int) -> None:
    client = connected(port, request("POST /ask", ASK, head=b"") * 3)
    client.shutdown(socket.SHUT_WR)
    assert received(client).count(b"HTTP/1.1 200 OK") == 3


def test_half_closed_within_a_request_is_gone(port: int) -> None:
    client = connected(port, request("POST /ask", ASK)[:-1])
    client.shutdown(socket.SHUT_WR)
    assert received(client) == b""


class Slow:
    """An ask that takes a while and counts."""

    def __init__(self) -> None:
        self.serving = serving_of(GUIDED)
        self.count = 0
        self.go_on = threading.Event()

    def __call__(self, question: str, **options: Any) -> Answer:
        self.count += 1
        assert self.go_on.wait(timeout=20)
        return self.serving.ask(question, **options)


@pytest.mark.parametrize("reset", [False, True])
def test_questions_of_clients_that_have_left_are_not_computed(reset: bool) -> None:
    slow = Slow()
    app = create_app(replace(slow.serving, ask=slow), capacity=Capacity(threads=1, queue=40))
    with running(app) as port:
        waiting = connected(port, request("POST /ask", ASK))
        for _ in range(30):
            leaving = connected(port, request("POST /ask", ASK))
            if reset:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            leaving.close()
        half_closed = connected(port, request("POST /ask", ASK))
        half_closed.shutdown(socket.SHUT_WR)
        assert half_closed.recv(9) == b"HTTP/1.1 "
        time.sleep(0.5)
        slow.go_on.set()
        assert status_of(received(waiting)) == 200
        assert received(half_closed).startswith(b"200 OK\r\n")
    assert slow.count == 2


# ---- limits


@pytest.mark.parametrize("sent", [b"GET /healthz HTTP/1.1\r\n", HEALTH[:-2], b"P"])
def test_headers_that_do_not_arrive_are_given_up(sent: bytes) -> None:
    with running(create_app(serving_of({})), Limits(header=0.2)) as port:
        check_problem(raw(port, sent), 408, "request_timeout")


def test_headers_that_drip_are_given_up_before_and_after_an_answer() -> None:
    with running(create_app(serving_of({})), Limits(header=0.5)) as port:
        for first in (b"", request("GET /healthz", head=b"")):
            client = connected(port, first + b"GET /healthz HTTP/1.1\r\n")
            dripping = threading.Thread(target=drip, args=(client,))
            dripping.start()
            started = time.monotonic()
            assert b"HTTP/1.1 408 " in received(client)
            assert time.monotonic() - started < 3
            dripping.join()


def drip(client: socket.socket) -> None:
    """Sends a header's bytes one by one, until the other end has closed."""
    try:
        for _ in range(100):
            client.sendall(b"X")
            time.sleep(0.05)
    except OSError:
        pass


def test_silent_connection_is_closed_without_a_word() -> None:
    with running(create_app(serving_of({})), Limits(header=0.2)) as port:
        assert raw(port, b"") == b""


def test_body_that_drips_after_its_answer_is_given_up() -> None:
    head = JSON + b"Content-Length: 1000\r\n"
    with running(create_app(serving_of({})), Limits(header=0.3)) as port:
        client = connected(port, request("GET /healthz", head=head))
        drip(client)
        assert b"200 OK" in client.recv(65536)
        client.close()


def test_client_that_does_not_read_is_left() -> None:
    with running(create_app(serving_of({"long.md": LONG})), Limits(stalled=0.2)) as port:
        client = connected(port, request("GET /documents/long.md"))
        time.sleep(2)
        assert 0 < len(received(client)) < len(LONG)


async def all_at_once(scope: Any, receive: Any, send: Any) -> None:
    """Writes eight megabytes at once, which it leaves to the server to send."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": LONG.encode()})


@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"])
def test_client_that_reads_slowly_gets_all(head: bytes) -> None:
    with running(all_at_once, Limits(stalled=0.3)) as port:
        client = connected(port, request("GET /", head=head))
        parts: list[bytes] = []
        while sum(map(len, parts)) < len(LONG):
            parts.append(client.recv(500_000))
            assert parts[-1]
            time.sleep(0.05)
        client.close()


def test_connection_that_waited_longest_makes_room() -> None:
    with running(create_app(serving_of({})), Limits(connections=5)) as port:
        waiting = [connected(port) for _ in range(40)]
        for _ in range(10):
            assert status_of(raw(port, HEALTH)) == 200
        for client in waiting:
            client.close()


def test_connection_beyond_all_that_are_answered_is_refused() -> None:
    slow = Slow()
    with running(create_app(replace(slow.serving, ask=slow)), Limits(connections=3)) as port:
        asking = [connected(port, request("POST /ask", ASK)) for _ in range(3)]
        time.sleep(0.5)
        answer = raw(port, HEALTH)
        check_problem(answer, 429, "too_many_connections")
        assert re.search(rb"retry-after: [1-5]\r\n", answer.lower())
        slow.go_on.set()
        assert [status_of(received(client)) for client in asking] == [200] * 3


# ---- bodies that are not wanted


@pytest.mark.parametrize(("type", "status"), [(JSON, 413), (b"Content-Type: text/plain\r\n", 415)])
@pytest.mark.parametrize("chunked", [False, True])
def test_large_body_sees_why_it_is_refused(
    port: int, type: bytes, status: int, chunked: bool
) -> None:
    size = 10_000_000
    length = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: %d\r\n" % size
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
    body = chunks if chunked else b"x" * size
    answer = raw(port, request("POST /ask", head=type + length) + body)
    assert status_of(answer) == status
    assert b"connection: close" in answer.lower()


def test_client_that_asks_first_is_refused_before_it_sends(port: int) -> None:
    head = JSON + b"Content-Length: 10000000\r\nExpect: 100-continue\r\n"
    assert status_of(raw(port, request("POST /ask", head=head))) == 413


# ---- the end


def started(files: int = 256, grace: float = 1.0) -> tuple[subprocess.Popen[str], int]:
    """The process of a service, and its port."""
    paths = [str(ROOT / "tests"), str(ROOT)]
    code = SERVE.format(paths=paths, files=files, grace=grace)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert status_of(raw(port, HEALTH)) == 200
            break
        except ConnectionError:
            time.sleep(0.1)
    return process, port


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what was logged."""
    _, logged = process.communicate(timeout=20)
    return process.returncode, logged


def test_client_that_never_reads_does_not_keep_the_service_alive() -> None:
    process, port = started()
    with connected(port, request("GET /documents/long.md")):
        time.sleep(0.5)
        process.terminate()
        assert ended(process) == (0, "")


def test_second_signal_ends_the_service_at_once() -> None:
    process, port = started(grace=60.0)
    with connected(port, request("GET /documents/long.md")):
        time.sleep(0.5)
        process.terminate()
        time.sleep(0.5)
        assert process.poll() is None
        process.terminate()
        begun = time.monotonic()
        assert ended(process)[0] in (0, 128 + signal.SIGTERM)
        assert time.monotonic() - begun < 5


def test_flood_of_connections_leaves_log_and_service_as_they_are() -> None:
    process, port = started(files=128)
    flood = [connected(port) for _ in range(200)]
    for _ in range(5):
        assert status_of(raw(port, HEALTH)) == 200
    assert len(os.listdir(f"/proc/{process.pid}/fd")) < 128
    for client in flood:
        client.close()
    assert status_of(raw(port, HEALTH)) == 200
    process.terminate()
    assert ended(process) == (0, "")


# ---- beside


def test_probe_answers_beside_eight_megabytes_of_empty_lists(port: int) -> None:
    body = b'{"citations":[' + b"[]," * 85_000 + b"[]]}"
    sending = threading.Thread(target=raw, args=(port, request("POST /verify", body)))
    sending.start()
    waits = []
    while sending.is_alive():
        begun = time.perf_counter()
        raw(port, HEALTH)
        waits.append(time.perf_counter() - begun)
    assert max(waits, default=0.0) < 1.0
