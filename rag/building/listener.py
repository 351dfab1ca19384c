"""What is told of a build while it runs; who listens is decided at the edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.documents import Skipped
from rag.types import Progress, silent


def unheard(said: object) -> None:
    """Leaves it at that."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Called with a sentence for people, with what a corpus was read without, and with how far
    the build is."""

    note: Callable[[str], None] = unheard
    skipped: Callable[[Sequence[Skipped]], None] = unheard
    progress: Progress = silent


NOBODY = Listener()


def told_changes(listener: Listener) -> Listener:
    """The same listener, but what was skipped the last time is not told again."""
    before: Sequence[Skipped] = ()

    def changed(skipped: Sequence[Skipped]) -> None:
        nonlocal before
        if skipped != before:
            listener.skipped(skipped)
        before = skipped

    return replace(listener, skipped=changed)
