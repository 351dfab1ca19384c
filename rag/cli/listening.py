"""Reports a build: on the terminal, or as lines of JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rag.building import Listener
from rag.cli.console import say
from rag.cli.progress_bar import reporting
from rag.documents import Skipped, skip_lines, skipped_json


@contextmanager
def on_terminal() -> Iterator[Listener]:
    """Reports to stderr."""
    with reporting(sys.stderr) as progress:
        yield Listener(say, say_skipped, progress)


def as_events() -> Listener:
    """Reports each event as a line of JSON on stdout: `{"event": "progress", "done": 64, ...}`."""
    return Listener(
        note=lambda message: emit("note", message=message),
        skipped=lambda skipped: emit("skipped", **skipped_json(skipped)),
        progress=lambda what, done, total: emit("progress", what=what, done=done, total=total),
    )


def emit(event: str, **fields: object) -> None:
    """Writes one event."""
    print(json.dumps({"event": event, **fields}), flush=True)


def say_skipped(skipped: Sequence[Skipped]) -> None:
    """Reports to stderr what was skipped of a corpus."""
    for line in skip_lines(skipped):
        say(line)
