"""Build: documents in, snapshot out."""

from __future__ import annotations

from rag.answering import uncalibrated
from rag.building.calibrate import calibrated
from rag.building.encode import encode
from rag.building.reuse import NOTHING, Reuse
from rag.building.split import split_corpus
from rag.documents import Corpus
from rag.encoders import Encoder
from rag.errors import CorpusError
from rag.index import ModelInfo, Snapshot, Split, assemble
from rag.types import DEFAULT_CAUTION, Caution, FaqPolicy, Progress, silent


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
    public = uncalibrated(ModelInfo.of(encoder), caution)
    snapshot = assemble(split, encodings, encoder, faq, public)
    return calibrated(snapshot, encoder, caution)


def _nothing_left(split: Split, faq: FaqPolicy) -> str:
    pairs = sum(section.kind == "faq" for section in split.sections)
    if faq == "without" and pairs:
        return f"the corpus holds only FAQ pairs ({pairs}): build it without --no-faq"
    return "no document of the corpus has any text: add some"
