"""What must hold within and between the parts of a snapshot, whoever wrote its files.

Checksums tell damage from what was written; these tell what was written wrongly, or made up with
checksums to match. Each function raises ValueError, or TypeError, at the first that does not hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from rag.index import vectors as dense
from rag.index.bm25 import LexicalIndex
from rag.index.question_vectors import NO_QUESTION, Headings
from rag.index.sentence_spans import Marks
from rag.index.token_vectors import TokenStore
from rag.types import Document, Passage, Section

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

# Stored vectors are L2-normalised in float32.
LENGTH_TOLERANCE = 1e-3
# An impact is at most its term's idf, some 40 for as many passages as a file can hold.
LARGEST_IMPACT = 100


def check_texts(
    documents: Mapping[str, Document], sections: Mapping[str, Section], passages: Sequence[Passage]
) -> None:
    """Documents, sections and passages: that each lies within the one above."""
    for document in documents.values():
        found = hashlib.sha256(document.text.encode()).hexdigest()
        _demand(found == document.sha256, "a document's text is not that of its sha256")
    _demand(len({p.id for p in passages}) == len(passages), "two passages have the same id")
    _check_sections(documents, sections)
    _check_passages(sections, passages)


def check_lexical(lexical: LexicalIndex) -> None:
    """The BM25 index: terms in order, and impacts of passages that are there, each once a term."""
    terms, starts, rows = lexical.terms, lexical.starts, lexical.passages
    _demand(all(a < b for a, b in pairwise(terms)), "the BM25 terms are not in order")
    _demand(_is(lexical.impacts, np.float32, 1), "the BM25 impacts are of another type")
    _demand(_is(rows, np.int32, 1), "the BM25 passages are of another type")
    _demand(len(rows) == len(lexical.impacts), "a BM25 impact has no passage")
    _check_bounds(starts, len(terms), len(rows), "the BM25 terms")
    _demand(_within(rows, 0, lexical.count), "a BM25 passage is not there")
    within = (lexical.impacts >= 0) & (lexical.impacts < LARGEST_IMPACT)
    _demand(bool(within.all()), f"a BM25 impact is not from 0 to {LARGEST_IMPACT}")
    _demand(_rises(rows, starts), "the BM25 passages of a term are not in order")


def check_dense(vectors: faiss.IndexFlatIP) -> None:
    """The pooled vectors, by whose inner product passages are found."""
    _demand(vectors.metric_type == faiss.METRIC_INNER_PRODUCT, "the vectors have another metric")
    _check_unit(dense.view(vectors), "a pooled vector")


def check_tokens(tokens: TokenStore, count: int) -> None:
    """The token vectors of `count` passages."""
    _demand(_is(tokens.vectors, np.uint8, 2), "the token vectors are of another type")
    _check_bounds(tokens.starts, count, len(tokens.vectors), "the token vectors")


def check_headings(headings: Headings, count: int) -> None:
    """The headings' vectors, and which of them each of `count` passages has."""
    _demand(_is(headings.vectors, np.float32, 2), "the headings' vectors are of another type")
    _demand(_is(headings.rows, np.int64, 1), "the headings' rows are of another type")
    _demand(len(headings.rows) == count, "a passage has no heading's row")
    _demand(_within(headings.rows, NO_QUESTION, len(headings.vectors)), "a heading is not there")
    _check_unit(headings.vectors, "a heading's vector")


def check_marks(marks: Marks, tokens: TokenStore, passages: Sequence[Passage]) -> None:
    """The sentences: within their passage's text and tokens, in order, without overlap."""
    found, starts = marks.sentences, marks.starts
    _demand(_is(found, np.int32, 2) and found.shape[1] == 4, "the marks are of another type")
    _check_bounds(starts, len(passages), len(found), "the marks")
    first, last = _columns(passages, "start", "end")
    owners = np.repeat(np.arange(len(passages)), np.diff(starts))
    for begin, end, most in (
        (found[:, 0], found[:, 1], last - first),
        (found[:, 2], found[:, 3], np.diff(tokens.starts)),
    ):
        inside = (begin >= 0) & (begin < end) & (end <= most[owners])
        _demand(bool(inside.all()), "a mark lies outside its passage")
        _demand(_follows(begin, end, owners), "the marks of a passage are not in order")


def check_probes(probes: Array, dim: int) -> None:
    """The probe vectors, of `dim` dimensions."""
    _demand(_is(probes, np.float32, 2), "the probe vectors are of another type")
    _demand(probes.shape[1] == dim, f"the probe vectors do not have {dim} dimensions")
    _check_unit(probes, "a probe vector")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _check_sections(documents: Mapping[str, Document], sections: Mapping[str, Section]) -> None:
    number = {id: at for at, id in enumerate(documents)}
    lengths = np.array([len(document.text) for document in documents.values()], dtype=np.int64)
    _demand(all(s.document_id in number for s in sections.values()), "a section has no document")
    of = np.array([number[s.document_id] for s in sections.values()], dtype=np.int64)
    start, body, end = _columns(sections.values(), "start", "body_start", "end")
    inside = (start >= 0) & (start <= body) & (body <= end) & (end <= lengths[of])
    _demand(bool(inside.all()), "a section lies outside its document")
    _demand(_follows(start, end, of), "the sections of a document are not in order")


def _check_passages(sections: Mapping[str, Section], passages: Sequence[Passage]) -> None:
    above = [sections.get(passage.section_id) for passage in passages]
    documents = [section.document_id if section else None for section in above]
    is_of = all(p.document_id == document for p, document in zip(passages, documents, strict=True))
    _demand(is_of, "a passage has no section in its document")
    start, end = _columns(passages, "start", "end")
    least, most = _columns(above, "start", "end")
    inside = (start >= least) & (start < end) & (end <= most)
    _demand(bool(inside.all()), "a passage lies outside its section")


def _columns(rows: Collection[Any], *names: str) -> Iterator[Rows]:
    return (np.fromiter(map(attrgetter(name), rows), np.int64, len(rows)) for name in names)


def _is(array: Array, kind: type[np.generic], dimensions: int) -> bool:
    is_kind = array.dtype == np.dtype(kind) and array.ndim == dimensions
    return is_kind and bool(array.flags.c_contiguous)


def _check_bounds(starts: Array, count: int, total: int, what: str) -> None:
    """That `count` parts of `total` rows start there, and that the last ends at the end."""
    _demand(_is(starts, np.int64, 1), f"the starts of {what} are of another type")
    _demand(len(starts) == count + 1, f"{what} have {len(starts)} starts, not {count} and the end")
    whole = starts[0] == 0 and starts[-1] == total and (np.diff(starts) >= 0).all()
    _demand(bool(whole), f"the starts of {what} do not rise from 0 to {total}")


def _within(rows: Array, least: int, end: int) -> bool:
    return len(rows) == 0 or bool(rows.min() >= least and rows.max() < end)


def _follows(start: Array, end: Array, owner: Array) -> bool:
    """Whether each span begins where the one before it has ended, if both have the same owner."""
    return bool(((start[1:] >= end[:-1]) | (owner[1:] != owner[:-1])).all())


def _rises(rows: Array, starts: Array) -> bool:
    """Whether the rows rise within each part."""
    rises = np.diff(rows) > 0
    between = starts[(starts > 0) & (starts < len(rows))]
    rises[between - 1] = True
    return bool(rises.all())


def _check_unit(vectors: Array, what: str) -> None:
    # What is no number is not near 1 either.
    apart = np.abs(np.einsum("ij,ij->i", vectors, vectors) - 1)
    _demand(bool((apart < LENGTH_TOLERANCE).all()), f"{what} is not of length 1")
