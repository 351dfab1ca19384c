"""What a build reports while it runs; the caller decides who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.documents import Skipped
from rag.types import Progress, silent


def unheard(said: object) -> None:
    """Ignores it."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Called with a note for people, with the files that were skipped, and with the progress."""

    note: Callable[[str], None] = unheard
    skipped: Callable[[Sequence[Skipped]], None] = unheard
    progress: Progress = silent


NOBODY = Listener()


def told_changes(listener: Listener) -> Listener:
    """The same listener, but it hears of skipped files only if they differ from the last time."""
    before: Sequence[Skipped] = ()

    def changed(skipped: Sequence[Skipped]) -> None:
        nonlocal before
        if skipped != before:
            listener.skipped(skipped)
        before = skipped

    return replace(listener, skipped=changed)
