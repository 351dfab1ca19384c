"""What the measurement of overload makes of its outcomes, and where it runs."""

from __future__ import annotations

import os
import socket

import pytest

from eval.speed.load import HOST
from eval.speed.open_load import CUT, Replied
from eval.speed.overload import between, divided, on_cores, probing, row, slow_clients
from eval.speed.servers import processor_seconds
from support.answering import answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("cores", "theirs", "ours"),
    [({0, 1}, {0}, {1}), ({2, 3, 5}, {2, 3}, {5}), ({4}, {4}, {4})],
)
def test_the_last_core_is_for_the_senders(
    cores: set[int], theirs: set[int], ours: set[int]
) -> None:
    assert divided(cores) == (theirs, ours)


def test_what_is_started_meanwhile_runs_on_the_cores() -> None:
    before = os.sched_getaffinity(0)
    with on_cores({max(before)}):
        assert os.sched_getaffinity(0) == {max(before)}
    assert os.sched_getaffinity(0) == before


def test_row_counts_what_was_served_refused_and_lost() -> None:
    outcomes = [
        *(Replied(0.0, milliseconds, 200) for milliseconds in (10.0, 20.0, 30.0)),
        *(Replied(0.0, milliseconds, 429) for milliseconds in (1.0, 2.0)),
        Replied(0.0, 5.0, CUT),
    ]
    made = row(outcomes, factor=2.0, capacity=2.0, seconds=2.0)
    assert (made["requests"], made["refused"], made["others"]) == (6, 2, {"0": 1})
    assert (made["served_per_second"], made["share"]) == (1.5, 0.75)
    assert made["served_ms"]["p50"] == 20.0 and made["refused_p99_ms"] == 2.0
    none = row([], factor=0.5, capacity=2.0, seconds=2.0)
    assert (none["served_ms"], none["refused_p99_ms"]) == (None, None)


def test_share_of_a_load_is_that_of_the_capacity_around_it() -> None:
    assert between({"load": 2.0, "share": 0.9}, 100.0, 80.0) == {"capacity": 90.0, "share": 1.0}
    assert between({"load": 0.5, "share": 0.9}, 100.0, 80.0) == {"capacity": 90.0, "share": 0.9}


def test_processor_time_is_that_of_the_process() -> None:
    before = processor_seconds(os.getpid())
    while os.times().user + os.times().system < before + 0.05:
        sum(range(10_000))
    assert processor_seconds(os.getpid()) - before > 0


def test_probes_are_timed_beside_a_load() -> None:
    seen: list[bytes] = []
    with answering(OK, seen) as port, probing(port) as probes:
        while len(seen) < 4:
            pass
    assert all(taken and min(taken) > 0 for taken in probes.values())


def test_slow_clients_are_connected_until_the_server_closes() -> None:
    with socket.create_server((HOST, 0), backlog=1000) as listener:
        with slow_clients(listener.getsockname()[1]) as connected:
            assert connected() == 550
            accepted = [listener.accept()[0] for _ in range(550)]
            for each in accepted[:50]:
                each.close()
            # The system tells the clients in its own time.
            while connected() > 500:
                pass
            assert connected() == 500
        for each in accepted:
            each.close()
