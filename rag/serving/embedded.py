"""An index that a program opens, asks and builds itself, without a server: what `rag` offers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from rag.answering import ask as ask_snapshot
from rag.answering import verify as verify_saved
from rag.encoders import Encoder, open_encoder
from rag.index import Snapshot
from rag.store import open_current
from rag.types import (
    MAX_TOP_K,
    NO_FILTERS,
    Answer,
    Citation,
    FileReport,
    Filters,
    Mode,
    Progress,
    SavedCitation,
    Verdict,
    silent,
)
from rag.types.errors import UsageError

log = logging.getLogger("rag.serving.embedded")

THREADS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """An opened index. It never changes, and threads may share it."""

    snapshot: Snapshot
    encoder: Encoder


def open_index(folder: Path | str, *, encoder: Encoder | None = None) -> Index:
    """The live snapshot of an index folder, verified. Without an encoder: the bundled model.

    Raises UnusableIndex if there is none, or it was built with another model.
    """
    used = encoder or _bundled()
    return Index(open_current(Path(folder), used), used)


def build(
    paths: Path | str | Sequence[Path | str],
    folder: Path | str,
    *,
    encoder: Encoder | None = None,
    strict: bool = False,
    progress: Progress = silent,
) -> Index:
    """Builds an index of files and folders and makes it live in one step; returns it, opened.

    The folder is made if it is missing. An index in it stays live until then, and is kept for
    `rag rollback`. Files that cannot be read are skipped and logged; if `strict`, the first of
    them raises CorpusError. Other errors are RagErrors too.
    """
    used = encoder or _bundled()
    # Imported only here: a program that asks neither reads files nor builds.
    from rag.building import Listener, Origin, rebuild
    from rag.documents import Cage, ReadOptions

    named = [paths] if isinstance(paths, Path | str) else paths
    with Cage() as cage:
        rebuild(
            Path(folder),
            Origin(tuple(map(Path, named)), "with"),
            used,
            options=ReadOptions(cage.each, strict=strict, progress=progress),
            listener=Listener(log.warning, _log_files, progress),
            consent=lambda question: True,
        )
    return open_index(folder, encoder=used)


def ask(
    index: Index,
    question: str,
    *,
    top_k: int = 5,
    mode: Mode = "hybrid",
    filters: Filters = NO_FILTERS,
) -> Answer:
    """The `top_k` passages that answer best, each cited, and the confidence that they do."""
    if not question.strip():
        raise UsageError("the question is empty: write one")
    if not 1 <= top_k <= MAX_TOP_K:
        raise UsageError(f"top_k is {top_k}: ask for 1 to {MAX_TOP_K} passages")
    if mode not in get_args(Mode):
        raise UsageError(f"mode is {mode!r}: choose one of {', '.join(get_args(Mode))}")
    return ask_snapshot(
        index.snapshot, index.encoder, question, top_k=top_k, mode=mode, filters=filters
    )


def verify(index: Index, citation: Citation | SavedCitation) -> Verdict:
    """Whether the citation is `valid`, `moved`, `changed` or `gone` in the documents of the index.

    A `SavedCitation` has only the fields that this requires.
    """
    return verify_saved(index.snapshot, [SavedCitation.of(citation)])[0]


def _bundled() -> Encoder:
    return open_encoder("bundled", "onnx", THREADS)


def _log_files(files: Sequence[FileReport]) -> None:
    from rag.documents import report_lines

    for line in report_lines(files):
        log.warning("%s", line)
