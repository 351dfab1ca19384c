"""Progress: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rag.types import Progress


@contextmanager
def reporting(stream: TextIO) -> Iterator[Progress]:
    """A progress function that shows the progress on the stream."""
    if not stream.isatty():
        yield lines(stream)
        return
    # Imported only here: it takes 30 ms, and most commands show no progress.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[rate]}"), TimeRemainingColumn()),
        console=Console(file=stream),
        transient=True,
    )
    task = bar.add_task("", total=None, rate="")
    shown = ""

    def report(what: str, done: int, total: int) -> None:
        nonlocal shown
        # Only when there is something to show; if it is shown already, this does nothing.
        bar.start()
        if _work(what) != shown:
            shown = _work(what)
            bar.reset(task)
        speed = bar.tasks[task].speed
        rate = f"{speed:.0f}/s" if speed else ""
        bar.update(task, description=what, completed=done, total=total, rate=rate)
        if done == total:
            # What comes next may ask at the terminal.
            bar.stop()

    try:
        yield report
    finally:
        bar.stop()


def lines(stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Progress:
    """A progress function that writes a line for each tenth of each task.

    After the first second it also writes the rate since the first report, and the time left.
    """
    reported: dict[str, int] = {}
    began: dict[str, tuple[float, int]] = {}

    def report(what: str, done: int, total: int) -> None:
        work, tenth, now = _work(what), 10 * done // total, clock()
        start, before = began.setdefault(work, (now, done))
        if reported.get(work) != tenth:
            reported[work] = tenth
            pace = _pace(now - start, done - before, total - done)
            print(f"{what}: {done} of {total}{pace}", file=stream, flush=True)

    return report


def _work(what: str) -> str:
    """What is being done, without the remark in brackets that changes meanwhile."""
    return what.partition(" (")[0]


def _pace(seconds: float, done: int, left: int) -> str:
    if seconds < 1 or not done:
        return ""
    rate = done / seconds
    return f", {rate:.3g}/s, {left / rate:.0f} s left"
