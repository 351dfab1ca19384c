"""What must hold within and between the parts of a snapshot.

Checksums show damage to what was written; these show files that were written wrongly, or forged
together with their checksums. The types of arrays and fields are checked where they are decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from rag.index.bm25 import LexicalIndex
from rag.index.compatibility import PROBES
from rag.index.originals import ORIGINALS
from rag.index.question_vectors import NO_QUESTION, Headings
from rag.index.sentence_spans import Marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import TokenStore, width
from rag.index.vectors import VectorIndex
from rag.types import Document, Passage, Section

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

# Stored vectors are L2-normalised in float32.
LENGTH_TOLERANCE = 1e-3
# An impact is at most its term's idf, some 40 for as many passages as a file can hold.
LARGEST_IMPACT = 100


def check(snapshot: Snapshot) -> None:
    """Raises ValueError unless all parts agree with the manifest and with each other."""
    passages = snapshot.passages
    _check_counts(snapshot)
    _check_documents(snapshot.documents)
    _check_sections(snapshot.documents, snapshot.sections)
    _check_passages(snapshot.sections, passages)
    _check_lexical(snapshot.lexical)
    _check_dense(snapshot.dense)
    _check_tokens(snapshot.tokens, len(passages))
    _check_headings(snapshot.headings)
    _check_marks(snapshot.marks, snapshot.tokens, passages)
    _check_unit(snapshot.probes, "a probe vector")
    _check_files(snapshot)


def _check_counts(snapshot: Snapshot) -> None:
    counts, model = snapshot.manifest.counts, snapshot.manifest.model
    kinds = [section.kind for section in snapshot.sections.values()]
    for what, found, expected in (
        ("documents", len(snapshot.documents), counts.documents),
        ("sections", kinds.count("body"), counts.sections),
        ("FAQ pairs", kinds.count("faq"), counts.faq_pairs),
        ("passages", len(snapshot.passages), counts.passages),
        ("vectors", len(snapshot.dense), counts.passages),
        ("heading rows", len(snapshot.headings.rows), counts.passages),
        ("cells", len(snapshot.dense.cells), counts.cells),
        ("tokens", len(snapshot.tokens.vectors), counts.tokens),
        ("bytes a token", snapshot.tokens.vectors.shape[1], width(model.token_dim)),
        ("numbers a mark", snapshot.marks.sentences.shape[1], 4),
        ("dimensions", snapshot.dense.flat.d, model.dim),
        ("dimensions of headings", snapshot.headings.vectors.shape[1], model.dim),
        ("dimensions of probe vectors", snapshot.probes.shape[1], model.dim),
        ("probe vectors", len(snapshot.probes), len(PROBES)),
    ):
        _demand(found == expected, f"it holds {found} {what}, expected {expected}")


def _check_documents(documents: Mapping[str, Document]) -> None:
    for document in documents.values():
        found = hashlib.sha256(document.text.encode()).hexdigest()
        _demand(found == document.sha256, "a document's text is not that of its sha256")


def _check_sections(documents: Mapping[str, Document], sections: Mapping[str, Section]) -> None:
    number = {id: at for at, id in enumerate(documents)}
    lengths = np.array([len(document.text) for document in documents.values()], dtype=np.int64)
    _demand(all(s.document_id in number for s in sections.values()), "a section has no document")
    of = np.array([number[s.document_id] for s in sections.values()], dtype=np.int64)
    start, body, end = _columns(sections.values(), "start", "body_start", "end")
    inside = (start >= 0) & (start <= body) & (body <= end) & (end <= lengths[of])
    _demand(inside.all(), "a section is outside its document")
    named = all(s.heading_path for s in sections.values() if s.kind == "faq")
    _demand(named, "an FAQ pair has no question")
    _demand(_follows(start, end, of), "the sections of a document are not in order")


def _check_passages(sections: Mapping[str, Section], passages: Sequence[Passage]) -> None:
    _demand(len({p.id for p in passages}) == len(passages), "two passages have the same id")
    above = [sections.get(passage.section_id) for passage in passages]
    is_of = all(s and s.document_id == p.document_id for p, s in zip(passages, above, strict=True))
    _demand(is_of, "a passage has no section in its document")
    start, end = _columns(passages, "start", "end")
    least, most = _columns(above, "start", "end")
    inside = (start >= least) & (start < end) & (end <= most)
    _demand(inside.all(), "a passage is outside its section")


def _check_lexical(lexical: LexicalIndex) -> None:
    terms, starts, rows = lexical.terms, lexical.starts, lexical.passages
    _demand(all(a < b for a, b in pairwise(terms)), "the BM25 terms are not in order")
    _demand(len(rows) == len(lexical.impacts), "a BM25 impact has no passage")
    _check_bounds(starts, len(terms), len(rows), "the BM25 terms")
    _demand(_within(rows, 0, lexical.count), "a BM25 passage does not exist")
    within = (lexical.impacts >= 0) & (lexical.impacts < LARGEST_IMPACT)
    _demand(within.all(), f"a BM25 impact is not from 0 to {LARGEST_IMPACT}")
    _demand(_rises(rows, starts), "the BM25 passages of a term are not in order")


def _check_dense(dense: VectorIndex) -> None:
    inner_product = dense.flat.metric_type == faiss.METRIC_INNER_PRODUCT
    _demand(inner_product, "the vectors have another metric")
    _check_unit(dense.view(), "a pooled vector")


def _check_tokens(tokens: TokenStore, count: int) -> None:
    _check_bounds(tokens.starts, count, len(tokens.vectors), "the token vectors")


def _check_headings(headings: Headings) -> None:
    within = _within(headings.rows, NO_QUESTION, len(headings.vectors))
    _demand(within, "a passage's heading does not exist")
    _check_unit(headings.vectors, "a heading's vector")


def _check_marks(marks: Marks, tokens: TokenStore, passages: Sequence[Passage]) -> None:
    """Each sentence is within its passage's text and tokens, after the one before it."""
    found, starts = marks.sentences, marks.starts
    _check_bounds(starts, len(passages), len(found), "the marks")
    first, last = _columns(passages, "start", "end")
    owners = np.repeat(np.arange(len(passages)), np.diff(starts))
    for begin, end, most in (
        (found[:, 0], found[:, 1], last - first),
        (found[:, 2], found[:, 3], np.diff(tokens.starts)),
    ):
        inside = (begin >= 0) & (begin < end) & (end <= most[owners])
        _demand(inside.all(), "a mark is outside its passage")
        _demand(_follows(begin, end, owners), "the marks of a passage are not in order")


def _check_files(snapshot: Snapshot) -> None:
    stored = snapshot.manifest.files[ORIGINALS].size
    _demand(all(file.size >= 0 for file in snapshot.files), "a file has a size below 0")
    _demand(
        sum(file.size for file in snapshot.files if file.documents) == stored,
        "the stored files are not those of the report",
    )


def _demand(holds: bool | np.bool_, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _columns(rows: Collection[Any], *names: str) -> list[Rows]:
    try:
        return [np.fromiter(map(attrgetter(name), rows), np.int64, len(rows)) for name in names]
    except OverflowError as error:
        raise ValueError("an offset is not a 64-bit integer") from error


def _check_bounds(starts: Rows, count: int, total: int, what: str) -> None:
    """That `count` parts of `total` rows start there, and that the last ends at the end."""
    _demand(len(starts) == count + 1, f"{what} have {len(starts)} starts, expected {count + 1}")
    whole = starts[0] == 0 and starts[-1] == total and (np.diff(starts) >= 0).all()
    _demand(whole, f"the starts of {what} do not rise from 0 to {total}")


def _within(rows: Array, least: int, end: int) -> bool:
    return len(rows) == 0 or bool(rows.min() >= least and rows.max() < end)


def _follows(start: Array, end: Array, owner: Array) -> np.bool_:
    """Whether each span begins after the end of the one before it, if both have the same owner."""
    return np.all((start[1:] >= end[:-1]) | (owner[1:] != owner[:-1]))


def _rises(rows: Array, starts: Array) -> np.bool_:
    """Whether the rows rise within each part."""
    rises = np.diff(rows) > 0
    between = starts[(starts > 0) & (starts < len(rows))]
    rises[between - 1] = True
    return np.all(rises)


def _check_unit(vectors: Array, what: str) -> None:
    # NaN is not near 1 either.
    apart = np.abs(np.einsum("ij,ij->i", vectors, vectors) - 1)
    _demand((apart < LENGTH_TOLERANCE).all(), f"{what} is not of length 1")
