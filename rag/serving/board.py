"""Figures that the workers of one service share, in memory that all of them map."""

from __future__ import annotations

import asyncio
import mmap
from enum import IntEnum
from pathlib import Path

# Seconds between two looks at what the others serve.
LOOK = 0.02
# The bytes of a number.
BYTES = 8


class Figure(IntEnum):
    """What a worker tells of itself.

    `STARTED` is 1 once it has served; `SERVING` is the id of its snapshot as a number, 0 for none.
    """

    SERVING = 0
    RUNNING = 1
    WAITING = 2
    HITS = 3
    MISSES = 4
    STARTED = 5


class Board:
    """The figures of all workers. Each writes its own, from one thread, and reads everybody's.

    Without a file, the worker is alone.
    """

    def __init__(self, file: Path | None = None, worker: int = 0, workers: int = 1) -> None:
        self.worker = worker
        self.workers = workers
        self._figures = mapped_numbers(file, workers * len(Figure))

    def set(self, figure: Figure, value: int) -> None:
        """Sets a figure of this worker."""
        self._figures[self._place(self.worker, figure)] = value

    def add(self, figure: Figure, count: int) -> None:
        """Adds to a figure of this worker."""
        self._figures[self._place(self.worker, figure)] += count

    def total(self, figure: Figure) -> int:
        """The sum of a figure over all workers."""
        return sum(self._figures[figure :: len(Figure)])

    def serve(self, snapshot: str | None) -> None:
        """Tells that this worker serves the snapshot of that id, or none."""
        self.set(Figure.SERVING, int(snapshot or "0", 16))

    def is_serving(self, worker: int) -> bool:
        """Whether a worker has an index."""
        return self._figures[self._place(worker, Figure.SERVING)] != 0

    def has_started(self, worker: int) -> bool:
        """Whether a worker has served since it was started."""
        return self._figures[self._place(worker, Figure.STARTED)] != 0

    @property
    def serving(self) -> int:
        """How many workers have an index."""
        return sum(map(self.is_serving, range(self.workers)))

    def forget(self, worker: int) -> None:
        """Sets the figures of a worker that has ended to 0."""
        for figure in Figure:
            self._figures[self._place(worker, figure)] = 0

    async def agreed(self, seconds: float = 30.0) -> None:
        """Waits until all workers serve what this one serves, at most so many seconds."""
        ids = self._figures[Figure.SERVING :: len(Figure)]
        for _ in range(round(seconds / LOOK)):
            if set(ids) == {ids[self.worker]}:
                return
            await asyncio.sleep(LOOK)

    def _place(self, worker: int, figure: Figure) -> int:
        return worker * len(Figure) + figure


def mapped_numbers(file: Path | None, count: int) -> memoryview:
    """So many integers of 64 bits, in memory that all who map the file share; of one without it."""
    if file is None:
        return memoryview(mmap.mmap(-1, count * BYTES)).cast("q")
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), count * BYTES)).cast("q")


def make_board(file: Path, workers: int) -> Board:
    """A new file of figures, all 0, as a process sees it that is no worker itself."""
    file.write_bytes(bytes(workers * len(Figure) * BYTES))
    return Board(file, workers=workers)
