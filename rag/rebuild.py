"""A build as the command line does it: what is there is reused, what is new published."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watchfiles import watch

from rag.build import index_corpus, reusable
from rag.console import say
from rag.encoder import Encoder
from rag.errors import BusyError, NoIndex, RagError, UnusableIndex
from rag.files import DISK
from rag.manifest import FaqPolicy, Manifest
from rag.progress import reporting
from rag.readers import read_corpus
from rag.reuse import Reused, reused
from rag.snapshot import Snapshot, open_newest
from rag.stale import is_stale
from rag.store import publish, writing

# Seconds before a watched folder is built again where another build held the lock.
PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Built:
    """A published snapshot, and what it took over from the one before, if there was one."""

    manifest: Manifest
    reused: Reused | None

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "id": self.manifest.id,
            "counts": asdict(self.manifest.counts),
            "reused": asdict(self.reused) if self.reused else None,
        }


def rebuild(
    index: Path,
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    skip_unreadable: bool = False,
    if_stale: bool = False,
    full: bool = False,
) -> Built | None:
    """What was built and published; None where it would be what is there (`if_stale`).

    Says on stderr what is passed over, and how far it is. Raises RagError.
    """
    previous, is_whole = (None, True) if full else _previous(index, encoder)
    reuse = reusable(previous, encoder, faq)
    corpus = read_corpus(paths, skip_unreadable, reuse.known)
    for id, reason in corpus.skipped:
        say(f"skipped {id}: {reason}")
    if if_stale and is_whole and not is_stale(previous, corpus, encoder, faq):
        return None
    with writing(index), reporting(sys.stderr) as progress:
        snapshot = index_corpus(corpus, encoder, faq=faq, reuse=reuse, progress=progress)
        publish(index, snapshot, encoder, DISK)
    return Built(snapshot.manifest, reused(reuse, snapshot) if previous else None)


def changes(paths: Sequence[Path]) -> Iterator[object]:
    """Something when the watching has begun, and at each change of the files from then on."""
    begun = False
    for found in watch(*paths, yield_on_timeout=True, rust_timeout=500):
        if found or not begun:
            yield found
        begun = True


def rebuilds(
    index: Path,
    paths: Sequence[Path],
    encoder: Encoder,
    occasions: Iterable[object],
    pause: float = PAUSE,
) -> Iterator[Built]:
    """What was built on each occasion that made a difference; a build that fails is said.

    While another build is running it is tried again after each `pause`, in seconds.
    """
    for _ in occasions:
        try:
            built = _rebuild_when_idle(index, paths, encoder, pause)
        except RagError as error:
            say(f"not rebuilt: {error}")
        else:
            if built:
                yield built


def summary(manifest: Manifest, index: Path) -> str:
    """A snapshot and how much it holds, on one line."""
    counts = manifest.counts
    return (
        f"{index / manifest.id}: {counts.documents} documents, {counts.sections} sections, "
        f"{counts.faq_pairs} FAQ pairs, {counts.passages} passages"
    )


def _rebuild_when_idle(
    index: Path, paths: Sequence[Path], encoder: Encoder, pause: float
) -> Built | None:
    said = False
    while True:
        try:
            return rebuild(index, paths, encoder, if_stale=True)
        except BusyError as error:
            if not said:
                say(f"not yet rebuilt: {error}")
            said = True
            time.sleep(pause)


def _previous(index: Path, encoder: Encoder) -> tuple[Snapshot | None, bool]:
    """The snapshot that answers, and whether the index is whole; damage never stops a build."""
    try:
        opened = open_newest(index, encoder)
    except NoIndex:
        return None, True
    except UnusableIndex as error:
        say(f"nothing is reused: {error}")
        return None, False
    for refusal in opened.refused:
        say(f"not reused: {refusal}")
    return opened.snapshot, not opened.refused
