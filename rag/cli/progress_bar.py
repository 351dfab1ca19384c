"""Progress: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
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
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(file=stream), transient=True)
    task = bar.add_task("", total=None)

    def report(what: str, done: int, total: int) -> None:
        # Only when there is something to show; once started, this does nothing.
        bar.start()
        bar.update(task, description=what, completed=done, total=total)

    try:
        yield report
    finally:
        bar.stop()


def lines(stream: TextIO) -> Progress:
    """A progress function that writes a line for each tenth of each task."""
    reported: dict[str, int] = {}

    def report(what: str, done: int, total: int) -> None:
        tenth = 10 * done // total
        if reported.get(what) != tenth:
            reported[what] = tenth
            print(f"{what}: {done} of {total}", file=stream, flush=True)

    return report
