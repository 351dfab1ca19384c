"""Build: documents in, snapshot out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from rag.answering import uncalibrated
from rag.building.calibrate import calibrated
from rag.building.encode import encode
from rag.building.reuse import NOTHING, Reuse, reuse_of
from rag.building.split import split_corpus
from rag.documents import LENIENT, Corpus, ReadOptions, read_corpus, report_lines
from rag.encoders import Encoder
from rag.errors import CorpusError
from rag.index import Model, Snapshot, Split, assemble
from rag.types import DEFAULT_CAUTION, Caution, FaqPolicy, Progress, silent

log = logging.getLogger("rag.building.build")


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
    """A snapshot, in memory, of the documents under the paths.

    An opened `previous` one saves work, and makes no difference to the result. Files that cannot
    be read are skipped and logged. Raises CorpusError if a path cannot be read, if nothing is left
    to index, and at the first file to skip if the `options` are strict.
    """
    reuse = reuse_of(previous, encoder, faq)
    corpus = read_corpus(paths, reuse.known, options)
    for line in report_lines(corpus.files):
        log.warning("%s", line)
    return index_corpus(corpus, encoder, faq=faq, reuse=reuse, caution=caution, progress=progress)


def index_corpus(
    corpus: Corpus,
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    reuse: Reuse = NOTHING,
    caution: Caution = DEFAULT_CAUTION,
    progress: Progress = silent,
) -> Snapshot:
    """A snapshot, in memory, of documents already read. Raises CorpusError if none has text.

    A corpus read with `known` documents requires the `reuse` that these came from.
    """
    split = split_corpus(corpus, encoder, faq, reuse)
    if not split.passages:
        raise CorpusError(_nothing_left(split, faq))
    encodings = encode(split, encoder, faq, reuse, progress)
    public = uncalibrated(Model.of(encoder), caution)
    snapshot = assemble(split, encodings, encoder, faq, public)
    return calibrated(snapshot, encoder, caution)


def _nothing_left(split: Split, faq: FaqPolicy) -> str:
    pairs = sum(section.kind == "faq" for section in split.sections)
    if faq == "without" and pairs:
        return f"the corpus holds only FAQ pairs ({pairs}): build it without --no-faq"
    return "no document of the corpus has any text: add some"
