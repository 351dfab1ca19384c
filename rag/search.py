"""Search: the one function behind `/ask`, `rag ask` and the evaluation.

Candidates are the best of dense and of BM25; late interaction scores them; fusion orders them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag import dense
from rag.encoder import Encoder
from rag.fusion import Weights, fuse, order
from rag.late import late_scores
from rag.snapshot import Snapshot
from rag.types import Filters, Mode, ScoredPassage, Scores, Section
from rag.words import stems

CANDIDATES = 100
DEFAULT_WEIGHTS = Weights()
NO_FILTERS = Filters()

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the signals see it.

    `pooled` float32 (dim,), L2-normalised; `tokens` float32 (q, dim), rows L2-normalised;
    `stems` in order.
    """

    text: str
    pooled: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.float32]
    stems: tuple[str, ...]


def encode_query(text: str, encoder: Encoder) -> Query:
    """The question as the signals see it."""
    encoded = encoder.encode_queries([text])
    return Query(text, encoded.pooled[0], encoded.tokens[0], tuple(stems(text)))


def search(
    snapshot: Snapshot,
    encoder: Encoder,
    query: str,
    *,
    k: int,
    mode: Mode = "hybrid",
    weights: Weights = DEFAULT_WEIGHTS,
    filters: Filters = NO_FILTERS,
) -> list[ScoredPassage]:
    """The k best passages for a question, or all that there are, ordered by (-score, id).

    A question of stop words alone has no BM25 candidates: hybrid then rests on the other
    signals, and `mode="bm25"` finds nothing.
    """
    encoded = encode_query(query, encoder)
    return search_encoded(snapshot, encoded, k=k, mode=mode, weights=weights, filters=filters)


def search_encoded(
    snapshot: Snapshot,
    query: Query,
    *,
    k: int,
    mode: Mode = "hybrid",
    weights: Weights = DEFAULT_WEIGHTS,
    filters: Filters = NO_FILTERS,
) -> list[ScoredPassage]:
    """`search` for a question that is already encoded."""
    within = _rows_within(snapshot, filters)
    if mode == "dense":
        rows = _dense_rows(snapshot, query, max(k, CANDIDATES), within)
        cosines = dense.cosines(snapshot.dense, query.pooled, rows)
        return _hits(
            snapshot, rows, cosines, [Scores(float(c), None, None, float(c)) for c in cosines], k
        )
    impacts = snapshot.lexical.scores(query.stems)
    matching = _best(impacts, max(k, CANDIDATES), within)
    if mode == "bm25":
        found = impacts[matching]
        return _hits(
            snapshot, matching, found, [Scores(None, float(b), None, float(b)) for b in found], k
        )
    nearest = _dense_rows(snapshot, query, max(k, CANDIDATES), within)
    rows = np.union1d(nearest, matching)
    return _hybrid(snapshot, query, rows, impacts, weights, k)


def _hybrid(
    snapshot: Snapshot,
    query: Query,
    rows: Rows,
    impacts: npt.NDArray[np.float32],
    weights: Weights,
    k: int,
) -> list[ScoredPassage]:
    cosines = dense.cosines(snapshot.dense, query.pooled, rows)
    late = late_scores(query.tokens, snapshot.tokens, rows.tolist())
    fused = fuse(cosines, impacts[rows], late, weights)
    scores = [
        Scores(*(float(value) for value in each))
        for each in zip(cosines, impacts[rows], late, fused, strict=True)
    ]
    return _hits(snapshot, rows, fused, scores, k)


def _hits(
    snapshot: Snapshot,
    rows: Rows,
    ranking: npt.NDArray[np.floating],
    scores: Sequence[Scores],
    k: int,
) -> list[ScoredPassage]:
    passages = [snapshot.passages[row] for row in rows]
    best = order(ranking.tolist(), [passage.id for passage in passages])[:k]
    return [ScoredPassage(passages[at], scores[at].fused, scores[at]) for at in best]


def _dense_rows(snapshot: Snapshot, query: Query, k: int, within: Rows | None) -> Rows:
    return dense.nearest(snapshot.dense, query.pooled, k, within)


def _best(scores: npt.NDArray[np.float32], k: int, within: Rows | None) -> Rows:
    """The rows of the k largest positive scores, best first, ties in row order."""
    rows = np.flatnonzero(scores > 0)
    if within is not None:
        rows = np.intersect1d(rows, within)
    best: Rows = rows[np.lexsort((rows, -scores[rows]))][:k].astype(np.int64)
    return best


def _rows_within(snapshot: Snapshot, filters: Filters) -> Rows | None:
    """The rows that the filters let through, or None where they let all through."""
    if not filters.document_id and filters.section is None:
        return None
    wanted = set(filters.document_id)
    rows = [
        row
        for row, passage in enumerate(snapshot.passages)
        if (not wanted or passage.document_id in wanted)
        and _in_section(snapshot.sections[passage.section_id], filters.section)
    ]
    return np.array(rows, dtype=np.int64)


def _in_section(section: Section, heading: str | None) -> bool:
    if heading is None:
        return True
    return heading.casefold() in (part.casefold() for part in section.heading_path)
