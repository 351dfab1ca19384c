"""Build: documents in, snapshot out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.answering import uncalibrated
from rag.building.calibrate import calibrated
from rag.building.encode import encode
from rag.building.journal import Journal, temporary_journal
from rag.building.reuse import NOTHING, Cuts, Reuse, unchanged
from rag.building.split import NONE_READY, split_corpus
from rag.documents import Corpus
from rag.encoders import Encoder
from rag.index import ModelInfo, Snapshot, Split, assemble
from rag.types import DEFAULT_CAUTION, Caution, FaqPolicy, Feedback, Progress, Reused, silent
from rag.types.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Indexed:
    """A snapshot, in memory, and what it reused of the earlier one."""

    snapshot: Snapshot
    reused: Reused


def index_corpus(
    corpus: Corpus,
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    reuse: Reuse = NOTHING,
    caution: Caution = DEFAULT_CAUTION,
    feedback: Sequence[Feedback] = (),
    progress: Progress = silent,
) -> Snapshot:
    """A snapshot, in memory, of documents already read. Raises CorpusError if none has text.

    The confidence is fitted to the corpus' own FAQ and to `feedback`, given oldest first. A corpus
    read with `known` documents requires the `reuse` that these came from.
    """
    with temporary_journal(encoder) as journal:
        parts = (faq, reuse, caution, progress)
        return indexed(corpus, encoder, journal, *parts, feedback=feedback).snapshot


def indexed(
    corpus: Corpus,
    encoder: Encoder,
    journal: Journal,
    faq: FaqPolicy,
    reuse: Reuse,
    caution: Caution = DEFAULT_CAUTION,
    progress: Progress = silent,
    ready: Mapping[str, Cuts] = NONE_READY,
    feedback: Sequence[Feedback] = (),
) -> Indexed:
    """As `index_corpus`; what the journal holds is not encoded again, nor what is `ready` cut."""
    split = split_corpus(corpus, encoder, faq, reuse, ready)
    if not split.passages:
        raise CorpusError(_nothing_left(split, faq))
    encodings = encode(split, encoder, faq, reuse, journal, progress)
    public = uncalibrated(ModelInfo.of(encoder), caution)
    snapshot = assemble(split, encodings, encoder, faq, public, reuse.earlier)
    same = unchanged(reuse, split.documents)
    counts = (encodings.reused, len(split.passages), same, len(split.documents))
    return Indexed(calibrated(snapshot, encoder, caution, feedback), Reused(*counts))


def _nothing_left(split: Split, faq: FaqPolicy) -> str:
    pairs = sum(section.kind == "faq" for section in split.sections)
    if faq == "without" and pairs:
        return f"the corpus holds only FAQ pairs ({pairs}): build it without --no-faq"
    return "no document of the corpus has any text: add some"
