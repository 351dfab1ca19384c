"""Puts a snapshot together from a corpus that has been cut up and encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rag.index.bm25 import LexicalIndex, languages_of, main_language
from rag.index.compatibility import probe_vectors
from rag.index.fingerprint import keeps_words, recipe_of, software
from rag.index.format import Parts, sealed
from rag.index.manifest import FORMAT, Calibration, Counts, Manifest, ModelInfo
from rag.index.postings import EMPTY, NEW, extended
from rag.index.question_vectors import headings_of
from rag.index.sentence_spans import Sentences, marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import TokenStore
from rag.index.vectors import index_vectors
from rag.text import stemming
from rag.types import Document, FaqPolicy, FileReport, Passage, Section

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder


@dataclass(frozen=True, slots=True)
class Split:
    """A corpus cut up: documents, sections and passages, each in order of document id.

    `files` are the reports of its files, and `originals` the bytes of those that hold documents.
    `kept` int64 (n_passages,) has the row in an earlier snapshot of each passage of an unchanged
    document, or `NEW`.
    """

    corpus_sha256: str
    documents: tuple[Document, ...]
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    files: tuple[FileReport, ...]
    originals: memoryview
    kept: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Encodings:
    """What is computed of the passages, in their order.

    `pooled` float32 (n, dim), rows L2-normalised; `sentences` one array a passage;
    `above` the question above each, "" for none; `headings` the vectors of these questions.
    `reused` passages were encoded by an earlier build.
    """

    pooled: npt.NDArray[np.float32]
    tokens: TokenStore
    above: Sequence[str]
    headings: Mapping[str, npt.NDArray[np.float32]]
    sentences: Sequence[Sentences]
    reused: int


def assemble(
    split: Split,
    encodings: Encodings,
    encoder: Encoder,
    faq: FaqPolicy,
    calibration: Calibration,
    earlier: Snapshot | None = None,
) -> Snapshot:
    """The snapshot, with the content of its files; the same input gives the same bytes.

    `earlier` is the snapshot that `split.kept` means.
    """
    tokens, dense = encodings.tokens, index_vectors(encodings.pooled)
    manifest = Manifest(
        format=FORMAT,
        corpus_sha256=split.corpus_sha256,
        model=ModelInfo.of(encoder),
        recipe=replace(recipe_of(encoder, faq), token_bits=tokens.bits, pooled_bits=dense.bits),
        counts=Counts(
            documents=len(split.documents),
            sections=sum(section.kind == "body" for section in split.sections),
            faq_pairs=sum(section.kind == "faq" for section in split.sections),
            passages=len(split.passages),
            tokens=len(tokens.vectors),
        ),
        calibration=calibration,
        software=software(),
        files={},
    )
    parts = Parts(
        documents=split.documents,
        sections=split.sections,
        passages=split.passages,
        dense=dense,
        lexical=_lexical(split, earlier),
        tokens=tokens,
        headings=headings_of(encodings.above, encodings.headings, encoder.dim),
        marks=marks(encodings.sentences),
        probes=probe_vectors(encoder),
        files=split.files,
        originals=split.originals,
    )
    return sealed(manifest, parts)


def _lexical(split: Split, earlier: Snapshot | None) -> LexicalIndex:
    """The BM25 index; of passages that are kept, the words are those counted before."""
    languages = languages_of(split.documents)
    main = stemming(main_language(each.language for each in split.documents))
    words, rows = EMPTY, np.full(len(split.passages), NEW)
    # Documents of unknown language are stemmed by that of most others.
    if earlier and keeps_words(earlier) and main == stemming(earlier.documents.main_language):
        words, rows = earlier.lexical, split.kept
    new = (split.passages[row] for row in np.flatnonzero(rows == NEW).tolist())
    return extended(
        words,
        rows,
        (passage.in_context for passage in new),
        [languages[passage.document_id] for passage in split.passages],
    )
