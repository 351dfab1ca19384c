"""What a build reports while it runs; the caller decides who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.types import FileReport, Progress, silent


def unheard(said: object) -> None:
    """Ignores it."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Called with a note for people, with the reports of all files, and with the progress."""

    note: Callable[[str], None] = unheard
    files: Callable[[Sequence[FileReport]], None] = unheard
    progress: Progress = silent


NOBODY = Listener()
