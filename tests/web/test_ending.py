"""Signals that end a service, and what clients hear from one that ends before it serves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.web.ending import deferred, ended_quietly, handled, turn_away
from rag.web.listener import listen
from support.places import ROOT
from support.raw_http import connected, received, request, status_of

ASK = request("POST /ask", b'{"question": "How are T cells collected?"}')
# Serves an index whose model takes forever to open.
SLOW = (
    "import sys, time; from rag.types.settings import Settings; from rag.web import serve; "
    "serve(Settings(port=int(sys.argv[1])), opening=lambda: time.sleep(600))"
)
WORKERS = "from rag.cli.main import main; import sys; main(['serve', '--port', sys.argv[1]])"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def soon_connected(port: int) -> socket.socket:
    """A connection to a service that is being started."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return connected(port, ASK)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def started(code: str, built: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A service that is being started, and its port; it is killed in the end."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RAG_INDEX": str(built),
        "RAG_WORKERS": str(workers),
    }
    with subprocess.Popen([sys.executable, "-c", code, str(port)], env=environment) as service:
        try:
            yield service, port
        finally:
            service.kill()


def told_at_its_start(code: str, built: Path, sig: int, workers: int) -> tuple[list[bytes], int]:
    """What 20 clients hear from a service that gets the signal while it starts; its exit code."""
    with started(code, built, workers) as (service, port):
        clients = [soon_connected(port), *(connected(port, ASK) for _ in range(19))]
        service.send_signal(sig)
        return [received(client) for client in clients], service.wait(timeout=60)


def is_turned_away(answer: bytes) -> bool:
    """Whether that is a whole 503, after which the connection ends."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return (
        status_of(answer) == 503
        and b"\r\nconnection: close" in head.lower()
        and b'"code":"draining"' in body
        and f"content-length: {len(body)}".encode() in head
    )


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_clients_of_a_service_that_ends_while_it_starts_get_503(built: Path, sig: int) -> None:
    answers, code = told_at_its_start(SLOW, built, sig, workers=1)
    assert [is_turned_away(answer) for answer in answers] == [True] * 20, answers
    assert code == 0


def test_clients_of_workers_that_end_while_they_start_get_whole_answers(built: Path) -> None:
    """A busy machine may have started a worker by then; that one answers."""
    answers, code = told_at_its_start(WORKERS, built, signal.SIGTERM, workers=2)
    assert all(is_turned_away(each) or status_of(each) == 200 for each in answers), answers
    assert code == 0


def test_clients_that_come_while_workers_end_are_not_reset(built: Path) -> None:
    with started(WORKERS, built, workers=2) as (service, port):
        clients = [soon_connected(port)]
        # Meanwhile the first worker begins to start.
        time.sleep(0.5)
        service.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionRefusedError):
            while True:
                clients.append(connected(port, ASK))
                time.sleep(0.003)
        answers = [received(each) for each in clients]
    assert all(is_turned_away(each) or status_of(each) == 200 for each in answers), answers


def test_clients_that_are_silent_or_gone_delay_nothing_for_long() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        connected(port).close()
        silent, asking = connected(port), connected(port, ASK)
        begun = time.monotonic()
        turn_away(listener, seconds=0.2)
        assert time.monotonic() - begun < 10
        assert [is_turned_away(received(each)) for each in (silent, asking)] == [True, True]
        with pytest.raises(ConnectionRefusedError):
            connected(port)
        turn_away(listener)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_signals_while_the_index_is_opened_end_with_exit_code_0(sig: signal.Signals) -> None:
    before = signal.getsignal(sig)
    with pytest.raises(SystemExit) as ended, ended_quietly():
        signal.raise_signal(sig)
    assert (ended.value.code, signal.getsignal(sig)) == (0, before)


def test_signals_that_are_deferred_come_at_the_end() -> None:
    came: list[str] = []
    with handled(lambda sig, _: came.append(f"signal {sig}"), signal.SIGTERM), deferred():
        signal.raise_signal(signal.SIGTERM)
        came.append("done")
    assert came == ["done", f"signal {signal.SIGTERM:d}"]


def test_a_hangup_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled(lambda *_: None, signal.SIGHUP):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
