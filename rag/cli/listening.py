"""Reports a build: on the terminal, or as lines of JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rag.building import Listener
from rag.cli.console import say
from rag.cli.progress_bar import reporting
from rag.documents import report_json, report_lines
from rag.types import FileReport


@contextmanager
def on_terminal() -> Iterator[Listener]:
    """Reports to stderr."""
    with reporting(sys.stderr) as progress:
        yield Listener(say, _say_files, progress)


def as_events() -> Listener:
    """Reports each event as a line of JSON on stdout: `{"event": "progress", "done": 64, ...}`."""
    return Listener(
        note=lambda message: emit("note", message=message),
        files=lambda files: emit("files", **report_json(files)),
        progress=lambda what, done, total: emit("progress", what=what, done=done, total=total),
    )


def told_changes(listener: Listener) -> Listener:
    """The same listener, but it hears of files only if something about them has changed."""
    before: list[str] = []

    def changed(files: Sequence[FileReport]) -> None:
        nonlocal before
        lines = report_lines(files)
        if lines != before:
            listener.files(files)
        before = lines

    return replace(listener, files=changed)


def emit(event: str, **fields: object) -> None:
    """Writes one event."""
    print(json.dumps({"event": event, **fields}), flush=True)


def _say_files(files: Sequence[FileReport]) -> None:
    for line in report_lines(files):
        say(line)
