"""What must hold within and between the parts of a snapshot.

Checksums show damage to what was written; these show files that were written wrongly, or forged
together with their checksums. The types of arrays are checked where they are decoded.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from rag.index.columns import check_rows, check_starts, demand
from rag.index.compatibility import PROBES
from rag.index.lexical_table import check_lexical
from rag.index.originals import ORIGINALS
from rag.index.question_vectors import NO_QUESTION, Headings
from rag.index.section_table import FAQ
from rag.index.sentence_spans import Marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import TokenStore, width
from rag.index.vectors import BLOCK, VectorIndex, signs_of

Array = npt.NDArray[Any]

# Stored vectors are L2-normalised in float32.
LENGTH_TOLERANCE = 1e-3


def check_parts(snapshot: Snapshot) -> None:
    """Raises ValueError unless all parts agree with the manifest and with each other."""
    try:
        _check_counts(snapshot)
        snapshot.documents.check()
        snapshot.sections.check()
        snapshot.passages.check()
        check_lexical(snapshot.lexical)
        _check_dense(snapshot.dense)
        check_starts(
            *(snapshot.tokens.starts, len(snapshot.passages), len(snapshot.tokens.vectors)),
            "the token vectors",
        )
        _check_headings(snapshot.headings)
        _check_marks(snapshot.marks, snapshot.tokens, snapshot.passages.lengths)
        _check_unit(snapshot.probes, "a probe vector")
        snapshot.files.check(snapshot.manifest.files[ORIGINALS].size)
    except RecursionError as error:
        raise ValueError("a row is nested too deep") from error


def _check_counts(snapshot: Snapshot) -> None:
    counts, model = snapshot.manifest.counts, snapshot.manifest.model
    bits = snapshot.manifest.recipe.token_bits
    pairs = int((snapshot.sections.columns["kind"] == FAQ).sum())
    for what, found, expected in (
        ("documents", len(snapshot.documents), counts.documents),
        ("sections", len(snapshot.sections) - pairs, counts.sections),
        ("FAQ pairs", pairs, counts.faq_pairs),
        ("passages", len(snapshot.passages), counts.passages),
        ("vectors", len(snapshot.dense), counts.passages),
        ("heading rows", len(snapshot.headings.rows), counts.passages),
        ("signs", len(snapshot.dense.signs), 0 if snapshot.dense.flat else counts.passages),
        ("bits a component", snapshot.dense.bits, snapshot.manifest.recipe.pooled_bits),
        ("tokens", len(snapshot.tokens.vectors), counts.tokens),
        ("bytes a token", snapshot.tokens.vectors.shape[1], width(model.token_dim, bits)),
        ("numbers a mark", snapshot.marks.sentences.shape[1], 4),
        ("dimensions", snapshot.dense.stored.shape[1], model.dim),
        ("dimensions of headings", snapshot.headings.vectors.shape[1], model.dim),
        ("dimensions of probe vectors", snapshot.probes.shape[1], model.dim),
        ("probe vectors", len(snapshot.probes), len(PROBES) * (2 if model.passages_by else 1)),
    ):
        demand(found == expected, f"it holds {found} {what}, expected {expected}")


def _check_dense(dense: VectorIndex) -> None:
    metric = dense.flat.metric_type if dense.flat else faiss.METRIC_INNER_PRODUCT
    demand(metric == faiss.METRIC_INNER_PRODUCT, "the vectors have another metric")
    for at in range(0, len(dense), BLOCK):
        own = slice(at, at + BLOCK)
        _check_unit(dense.vectors(own), "a pooled vector")
        same = dense.flat or np.array_equal(dense.signs[own], signs_of(dense.stored[own]))
        demand(bool(same), "the signs are not those of the pooled vectors")


def _check_headings(headings: Headings) -> None:
    end = len(headings.vectors)
    check_rows(headings.rows, NO_QUESTION, end, "a passage's heading does not exist")
    _check_unit(headings.vectors, "a heading's vector")


def _check_marks(marks: Marks, tokens: TokenStore, lengths: Array) -> None:
    """Each sentence is within its passage's text and tokens, after the one before it."""
    found, starts = marks.sentences, marks.starts
    check_starts(starts, len(lengths), len(found), "the marks")
    owners = np.repeat(np.arange(len(lengths)), np.diff(starts))
    for begin, end, most in (
        (found[:, 0], found[:, 1], lengths),
        (found[:, 2], found[:, 3], np.diff(tokens.starts)),
    ):
        inside = (begin >= 0) & (begin < end) & (end <= most[owners])
        demand(inside.all(), "a mark is outside its passage")
        apart = (begin[1:] >= end[:-1]) | (owners[1:] != owners[:-1])
        demand(apart.all(), "the marks of a passage are not in order")


def _check_unit(vectors: Array, what: str) -> None:
    # NaN is not near 1 either.
    apart = np.abs(np.einsum("ij,ij->i", vectors, vectors) - 1)
    demand((apart < LENGTH_TOLERANCE).all(), f"{what} is not of length 1")
