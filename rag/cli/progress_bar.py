"""Progress: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console

from rag.types import Progress


@contextmanager
def reporting(stream: TextIO) -> Iterator[Progress]:
    """A progress function that shows the progress on the stream."""
    if not stream.isatty():
        yield lines(stream)
        return
    # Imported only here: it takes 8 ms, and most commands show no progress.
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

    After the first second it also writes the rate and the time left.
    """
    reported: dict[str, int] = {}
    began: dict[str, float] = {}

    def report(what: str, done: int, total: int) -> None:
        work, tenth, now = _work(what), 10 * done // total, clock()
        seconds = now - began.setdefault(work, now)
        if reported.get(work) != tenth:
            reported[work] = tenth
            print(
                f"{what}: {done} of {total}{_pace(seconds, done, total)}", file=stream, flush=True
            )

    return report


def _work(what: str) -> str:
    """What is being done, without the remark in brackets that changes meanwhile."""
    return what.partition(" (")[0]


def _pace(seconds: float, done: int, total: int) -> str:
    if seconds < 1:
        return ""
    rate = done / seconds
    return f", {rate:.3g}/s, {(total - done) / rate:.0f} s left"
