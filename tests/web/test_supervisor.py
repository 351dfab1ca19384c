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
from itertools import pairwise
from pathlib import Path

import pytest

from rag.serving.board import Board, Figure, make_board
from rag.web.supervisor import Team, supervise

WORKERS = 3
# Ends on SIGTERM, or when its standard input ends.
WAITING = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
FAILING = [sys.executable, "-S", "-c", "import sys; sys.exit(5)"]


class Started:
    """Starts processes that wait, and has them say at once that they serve, unless told not to."""

    def __init__(self, file: Path, command: list[str] = WAITING, *, serves: bool = True) -> None:
        self.processes: list[tuple[int, subprocess.Popen[bytes]]] = []
        self.times: list[tuple[int, float]] = []
        self._file = file
        self._command = command
        self._serves = serves

    def __call__(self, worker: int) -> subprocess.Popen[bytes]:
        assert len(self.processes) < 10, "more processes than any test needs"
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
        self.processes.append((worker, process))
        self.times.append((worker, time.monotonic()))
        if self._serves:
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
    team = Team(started, make_board(tmp_path / "board", WORKERS), pause=0)
    with caplog.at_level(logging.ERROR), running(team):
        until(WORKERS, started)
        started.processes[1][1].kill()
        until(WORKERS + 1, started)
    assert [worker for worker, _ in started.processes] == [0, 1, 2, 1]
    assert caplog.messages == ["worker 1 has ended with code -9: another takes its place"]


def test_a_worker_that_cannot_start_ends_the_service_with_its_code(tmp_path: Path) -> None:
    started = Started(tmp_path / "board", FAILING, serves=False)
    team = Team(started, make_board(tmp_path / "board", WORKERS))
    team.run()
    assert ([worker for worker, _ in started.processes], team.failed) == ([0], 5)


def test_a_service_whose_worker_was_killed_at_its_start_has_the_code_of_a_shell(
    tmp_path: Path,
) -> None:
    killed = [sys.executable, "-S", "-c", "import os; os.kill(os.getpid(), 9)"]
    started = Started(tmp_path / "board", killed, serves=False)
    with pytest.raises(SystemExit) as ended:
        supervise(started, make_board(tmp_path / "board", WORKERS))
    assert ended.value.code == 128 + signal.SIGKILL


def test_a_worker_that_dies_at_once_is_not_started_without_a_pause(tmp_path: Path) -> None:
    started = Started(tmp_path / "board", FAILING)
    with running(Team(started, make_board(tmp_path / "board", WORKERS), pause=0.5)):
        until(WORKERS + 2, started)
    for worker in range(WORKERS):
        times = [time for each, time in started.times if each == worker]
        assert all(later - before >= 0.45 for before, later in pairwise(times))


def test_a_worker_that_does_not_end_is_killed(tmp_path: Path) -> None:
    started = Started(tmp_path / "board")
    with running(Team(started, make_board(tmp_path / "board", WORKERS), patience=0.3)):
        until(WORKERS, started)
        # A stopped process does not get SIGTERM.
        started.processes[1][1].send_signal(signal.SIGSTOP)
    assert all(process.returncode for _, process in started.processes)


def test_a_worker_for_which_the_system_has_no_process_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started = Started(tmp_path / "board")
    refused: list[int] = []

    def start(worker: int) -> subprocess.Popen[bytes]:
        if worker == 2 and not refused:
            refused.append(worker)
            raise BlockingIOError("no more processes")
        return started(worker)

    team = Team(start, make_board(tmp_path / "board", WORKERS), pause=0.1)
    with caplog.at_level(logging.ERROR), running(team):
        until(WORKERS, started)
    expected = "worker 2 cannot be started (no more processes): it is tried again"
    assert caplog.messages == [expected]


def test_without_any_process_the_error_of_the_system_is_raised(tmp_path: Path) -> None:
    def start(worker: int) -> subprocess.Popen[bytes]:
        raise BlockingIOError("no more processes")

    with pytest.raises(BlockingIOError):
        Team(start, make_board(tmp_path / "board", WORKERS)).run()
