"""Builds a snapshot of files in memory, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.building.build import index_corpus
from rag.building.reuse import reuse_of
from rag.documents import LENIENT, ReadOptions, read_corpus
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import DEFAULT_CAUTION, Caution, FaqPolicy, Progress, silent


def build_snapshot(
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    options: ReadOptions = LENIENT,
    previous: Snapshot | None = None,
    caution: Caution = DEFAULT_CAUTION,
    progress: Progress = silent,
) -> Snapshot:
    """The snapshot of the documents under the paths, with what can be reused of a previous one."""
    reuse = reuse_of(previous, encoder, faq)
    corpus = read_corpus(paths, reuse.known, options)
    return index_corpus(corpus, encoder, faq=faq, reuse=reuse, caution=caution, progress=progress)
