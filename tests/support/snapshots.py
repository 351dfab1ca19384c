"""Publishes small snapshots of the letter encoder, and files that fail at a chosen step."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.index.format import Parts, sealed
from rag.index.originals import ORIGINALS
from rag.index.snapshot import Snapshot
from rag.store.disk import DISK, Files
from rag.store.publish import publish, writing
from rag.store.readback import Verifier, in_process
from support.letter_encoder import LetterEncoder, snapshot_of

ENCODER = LetterEncoder()
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
FIRST, SECOND, THIRD, FOURTH = (
    "Apples are red.",
    "Pears are green.",
    "Plums are blue.",
    "Figs are brown.",
)


def parts_of(snapshot: Snapshot) -> Parts:
    """What the snapshot was written from."""
    s = snapshot
    return Parts(
        documents=list(s.documents.values()),
        sections=list(s.sections.values()),
        passages=list(s.passages),
        dense=s.dense,
        lexical=s.lexical,
        tokens=s.tokens,
        headings=s.headings,
        marks=s.marks,
        probes=s.probes,
        files=list(s.files),
        originals=s.content[ORIGINALS],
    )


def changed(snapshot: Snapshot, **parts: Any) -> Snapshot:
    """The snapshot with these parts in place of its own, written again."""
    return sealed(snapshot.manifest, replace(parts_of(snapshot), **parts))


def noon() -> datetime:
    return NOON


def published(
    index: Path,
    text: str,
    files: Files = DISK,
    *,
    keep: int = 3,
    verify: Verifier = in_process,
) -> str:
    """The id of a snapshot of that text, published in the index."""
    snapshot = snapshot_of(index.parent / "corpus", a=text)
    with writing(index, files):
        return publish(index, snapshot, ENCODER, files, keep=keep, verify=verify, clock=noon)


def tree(root: Path) -> dict[str, bytes]:
    """The content of every file below the root, by its path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


class Stepping(Files):
    """Counts the steps of a build; tells `reached` the number of each before it is done.

    Creating a file, filling it and syncing it are three steps.
    """

    def __init__(self, reached: Callable[[int, str], None]) -> None:
        self.steps: list[str] = []
        self._reached = reached

    def _step(self, what: str) -> None:
        self.steps.append(what)
        self._reached(len(self.steps), what)

    def write(self, path: Path, content: bytes | memoryview) -> None:
        self._step("create")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            self._step("fill")
            file.write(content[len(content) // 2 :])
            file.flush()
            self.sync_file(path, file.fileno())

    def sync_file(self, path: Path, descriptor: int) -> None:
        self._step("sync_file")

    def make_dir(self, path: Path) -> None:
        self._step("make_dir")
        super().make_dir(path)

    def sync_dir(self, path: Path) -> None:
        self._step("sync_dir")

    def rename(self, source: Path, target: Path) -> None:
        self._step("rename")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._step("remove")
        super().remove(path)


def failing(at: int, code: int = errno.ENOSPC, always: bool = False) -> Stepping:
    """Files that raise that error at a step, and if so told at every step after it."""

    def reached(step: int, what: str) -> None:
        if step == at or (always and step > at):
            raise OSError(code, os.strerror(code))

    return Stepping(reached)
