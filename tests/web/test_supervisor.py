"""The processes of a service with several workers."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.serving.board import Board, Figure, make_board
from rag.web.supervisor import Team

WORKERS = 3
# Ends on SIGTERM, or when its standard input ends.
WAITING = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
FAILING = [sys.executable, "-S", "-c", "import sys; sys.exit(5)"]


class Started:
    """Starts processes that wait, and has them say at once that they serve."""

    def __init__(self, file: Path, command: list[str] = WAITING) -> None:
        self.processes: list[tuple[int, subprocess.Popen[bytes]]] = []
        self._file = file
        self._command = command

    def __call__(self, worker: int) -> subprocess.Popen[bytes]:
        assert len(self.processes) < 10, "more processes than any test needs"
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
        self.processes.append((worker, process))
        if self._command == WAITING:
            Board(self._file, worker, WORKERS).set(Figure.STARTED, 1)
        return process


@contextmanager
def running(team: Team) -> Iterator[None]:
    """Runs the team in a thread, and ends it."""
    thread = threading.Thread(target=team.run)
    thread.start()
    try:
        yield
    finally:
        team.end(signal.SIGTERM)
        thread.join(timeout=20)
        assert not thread.is_alive()


def until(count: int, started: Started) -> None:
    deadline = time.monotonic() + 20
    while len(started.processes) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_each_worker_is_started_once_and_ends_with_the_others(tmp_path: Path) -> None:
    started = Started(tmp_path / "board")
    team = Team(started, make_board(tmp_path / "board", WORKERS))
    with running(team):
        until(WORKERS, started)
        time.sleep(0.3)
    assert [worker for worker, _ in started.processes] == [0, 1, 2]
    assert {process.returncode for _, process in started.processes} == {-signal.SIGTERM}
    assert team.failed is None


def test_a_worker_that_dies_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    started = Started(tmp_path / "board")
    team = Team(started, make_board(tmp_path / "board", WORKERS))
    with caplog.at_level(logging.ERROR), running(team):
        until(WORKERS, started)
        started.processes[1][1].kill()
        until(WORKERS + 1, started)
    assert [worker for worker, _ in started.processes] == [0, 1, 2, 1]
    assert caplog.messages == ["worker 1 has ended with code -9: another takes its place"]


def test_a_worker_that_cannot_start_ends_the_service_with_its_code(tmp_path: Path) -> None:
    started = Started(tmp_path / "board", FAILING)
    team = Team(started, make_board(tmp_path / "board", WORKERS))
    team.run()
    assert ([worker for worker, _ in started.processes], team.failed) == ([0], 5)
