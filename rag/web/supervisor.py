"""The processes of `rag serve --workers`: started, replaced if they die, and ended together."""

from __future__ import annotations

import logging
import math
import signal
import subprocess
import time
from collections.abc import Callable
from types import FrameType

from rag.serving import Board, Figure
from rag.web.ending import handled

log = logging.getLogger("rag.web.supervisor")

# Seconds between two looks at the processes.
LOOK = 0.05
# Seconds between two starts of the same worker, so that one that dies at once takes no time from
# the others.
PAUSE = 5.0
# Seconds after which a worker that has been asked to end is killed, and after a second signal. A
# worker takes less for both.
PATIENCE = 30.0
FORCED = 3.0

# Starts the worker of that number. Its standard input is a pipe from this process.
Start = Callable[[int], "subprocess.Popen[bytes]"]


def supervise(
    start: Start,
    board: Board,
    *,
    patience: float = PATIENCE,
    ends: Callable[[], None] = lambda: None,
) -> None:
    """Runs all workers of the board until SIGTERM, SIGHUP or SIGINT; a second signal ends them at
    once.

    A worker that dies is replaced. If one ends before it serves, all end: SystemExit has its code,
    128 and the signal if it was killed. Raises KeyboardInterrupt after SIGINT.
    """
    team = Team(start, board, patience=patience, ends=ends)
    with handled(team.end, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        team.run()
    if team.failed is not None:
        raise SystemExit(team.failed if team.failed >= 0 else 128 - team.failed)
    if team.ending == signal.SIGINT:
        raise KeyboardInterrupt


class Team:
    """The workers that run; `failed` is the exit code of one that could not start.

    `ends` is called once no more workers are started, once or more often.

    The same worker is started at most once in `pause` seconds. Workers that have been asked to end
    are killed after `patience` seconds.
    """

    def __init__(
        self,
        start: Start,
        board: Board,
        *,
        pause: float = PAUSE,
        patience: float = PATIENCE,
        ends: Callable[[], None] = lambda: None,
    ) -> None:
        self.ending: int | None = None
        self.failed: int | None = None
        self._start = start
        self._board = board
        self._pause = pause
        self._patience = patience
        self._ends = ends
        self._deadline = math.inf
        self._begun: dict[int, float] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        """Runs them until all have ended. Raises OSError if none can be started."""
        try:
            while self.ending is None or self._processes:
                for worker in self._due():
                    self._begin(worker)
                if self.ending is not None:
                    self._ends()
                time.sleep(LOOK)
                self._reap()
                if time.monotonic() > self._deadline:
                    self._kill()
        finally:
            self._kill()

    def end(self, sig: int, frame: FrameType | None = None) -> None:
        """Asks all of them to end; at once the second time."""
        if self.ending is not None and sig == signal.SIGHUP:
            # A terminal that closes may send it twice.
            return
        patience = self._patience if self.ending is None else FORCED
        self._deadline = min(self._deadline, time.monotonic() + patience)
        self.ending = sig
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)

    def _due(self) -> list[int]:
        """The workers to start now: one, and the others once that has opened the index."""
        if self.ending is not None:
            return []
        latest = time.monotonic() - self._pause
        due = [
            worker
            for worker in range(self._board.workers)
            if worker not in self._processes and self._begun.get(worker, -math.inf) <= latest
        ]
        if not self._processes:
            return due[:1]
        return due if self._board.total(Figure.STARTED) else []

    def _begin(self, worker: int) -> None:
        self._begun[worker] = time.monotonic()
        try:
            self._processes[worker] = process = self._start(worker)
        except OSError as error:
            if not self._processes:
                raise
            log.error("worker %d cannot be started (%s): it is tried again", worker, error)
            return
        if self.ending is not None:
            # The signal came before the process was known.
            process.send_signal(signal.SIGTERM)

    def _reap(self) -> None:
        """Forgets the workers that have ended, so that others take their places."""
        for worker, process in list(self._processes.items()):
            code = process.poll()
            if code is None:
                continue
            del self._processes[worker]
            assert process.stdin is not None
            process.stdin.close()
            if self.ending is None and not self._board.has_started(worker):
                self.failed = code
                self.end(signal.SIGTERM)
            elif self.ending is None:
                log.error("worker %d has ended with code %d: another takes its place", worker, code)
            self._board.forget(worker)

    def _kill(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
