"""The load that is sent at its times, against a server that is worked out on paper."""

from __future__ import annotations

from collections import Counter

import pytest

from eval.speed.load import post
from eval.speed.open_load import CUT, arrivals, run
from support.answering import answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FULL = b"HTTP/1.1 429 Too Many Requests\r\nX: y\r\ncontent-length: 2\r\nConnection: close\r\n\r\nno"
EMPTY = b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"


def test_arrivals_are_of_the_rate_and_the_same_each_time() -> None:
    times = arrivals(200.0, 10.0)
    assert times == sorted(times) and times == arrivals(200.0, 10.0)
    assert 1800 < len(times) < 2200 and times[-1] < 10


@pytest.mark.parametrize(("answer", "status"), [(OK, 200), (FULL, 429), (EMPTY, 204)])
def test_every_request_is_sent_and_its_status_kept(answer: bytes, status: int) -> None:
    seen: list[bytes] = []
    with answering(answer, seen) as port:
        outcomes = run(port, [post("/ask", {"question": str(n)}) for n in range(3)], 100.0, 0.3)
    assert Counter(each.status for each in outcomes) == {status: len(seen)}
    assert len(seen) == len(arrivals(100.0, 0.3))
    assert all(each.milliseconds > 0 for each in outcomes)


def test_connection_that_is_cut_within_an_answer_is_counted() -> None:
    with answering(OK[:-1], [], closes=True) as port:
        outcomes = run(port, [post("/ask", {})], 100.0, 0.1)
    assert {each.status for each in outcomes} == {CUT}
