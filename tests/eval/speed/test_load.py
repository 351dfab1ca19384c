"""The load generator, against a server that is worked out on paper."""

import socket

import pytest

from eval.speed.load import HOST, Load, LoadError, ask_once, complete, get, merged, post, run
from support.answering import answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_every_request_is_sent_once_and_timed() -> None:
    seen: list[bytes] = []
    with answering(OK, seen) as port:
        load = run(port, [get("/search", query=f"q {n}") for n in range(7)], 3)
    assert len(load.milliseconds) == 7 and min(load.milliseconds) > 0
    assert sorted(line.split()[1] for line in seen) == [
        b"/search?query=q%%20%d" % n for n in range(7)
    ]


def test_another_status_than_200_is_an_error() -> None:
    with (
        answering(OK.replace(b"200 OK", b"503 Busy"), []) as port,
        pytest.raises(LoadError, match="503 Busy"),
    ):
        run(port, [post("/ask", {})], 1)


def test_a_server_that_is_not_there_does_not_answer() -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    assert not ask_once(port, get("/"))


@pytest.mark.parametrize("received", [b"", OK[:20], OK[:-1]])
def test_an_answer_is_complete_only_with_its_last_byte(received: bytes) -> None:
    assert not complete(received)
    assert complete(OK)


def test_loads_are_pooled() -> None:
    assert merged([Load(1.0, (1.0, 2.0)), Load(1.0, (3.0, 4.0))]) == {
        "requests_per_second": 2.0,
        "p50": 2.0,
        "p95": 4.0,
        "p99": 4.0,
    }
