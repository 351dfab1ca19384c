"""Search: the one function behind `/ask`, `rag ask` and the evaluation.

Candidates are the best of dense and of BM25; late interaction scores them; fusion orders them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.answering.fusion import WEIGHTS, Scaled, Signal, Weights, fuse, order
from rag.answering.late_interaction import late_scores
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.index import vectors as dense
from rag.text import stems
from rag.types import Filters, Mode, ScoredPassage, Scores, Section

# So many of the best by dense and by BM25 are candidates. More find hardly more answers, and cost
# time: docs/quality.md.
CANDIDATES = 32
# Where these are fewer than so many, the next by dense join them: as many as an answer may show.
FEWEST = 50
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


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Passages that may answer, by their rows int64 (n,), with what each signal says of them.

    `signals` are raw scores float32 (n,) by the signal's name; `shares` what those with a weight
    add to the fused score, float64 (n,). With one signal alone, its share is its score.
    """

    rows: Rows
    signals: Mapping[str, Signal]
    shares: Mapping[str, Scaled]

    @property
    def fused(self) -> Scaled:
        """The fused scores, float64 (n,)."""
        total: Scaled = np.sum(list(self.shares.values()), axis=0, dtype=np.float64)
        return total


def encode_query(text: str, encoder: Encoder) -> Query:
    """The question as the signals see it."""
    encoded = encoder.encode_queries([text])
    return Query(text, encoded.pooled[0], encoded.tokens[0], tuple(stems(text)))


def search(
    snapshot: Snapshot,
    query: Query,
    *,
    k: int,
    mode: Mode = "hybrid",
    weights: Weights = WEIGHTS,
    filters: Filters = NO_FILTERS,
    body_only: bool = False,
) -> list[ScoredPassage]:
    """The k best passages for a question, or all that there are, ordered by (-score, id).

    A question of stop words alone has no BM25 candidates: hybrid then rests on the other
    signals, and `mode="bm25"` finds nothing. `body_only` leaves FAQ pairs out.
    """
    found = find_candidates(snapshot, query, max(k, FEWEST), mode, weights, filters, body_only)
    return best_of(snapshot, found, k)


def find_candidates(
    snapshot: Snapshot,
    query: Query,
    k: int = FEWEST,
    mode: Mode = "hybrid",
    weights: Weights = WEIGHTS,
    filters: Filters = NO_FILTERS,
    body_only: bool = False,
) -> Candidates:
    """At least k passages, or all that there are, scored by every signal that the mode uses.

    With one signal alone they are its k best. `body_only` leaves FAQ pairs out.
    """
    within = _rows_within(snapshot, filters, body_only)
    if mode == "dense":
        rows = dense.nearest(snapshot.dense, query.pooled, k, within)
        return _single("dense", rows, dense.cosines(snapshot.dense, query.pooled, rows))
    impacts = snapshot.lexical.scores(query.stems)
    matching = _best(impacts, k, within)
    if mode == "bm25":
        return _single("bm25", matching, impacts[matching])
    rows = together(dense.nearest(snapshot.dense, query.pooled, k, within), matching, k)
    cosines = dense.cosines(snapshot.dense, query.pooled, rows)
    signals = {
        "dense": cosines,
        "bm25": impacts[rows],
        "late": late_scores(query.tokens, snapshot.tokens, rows.tolist()),
        "heading": snapshot.headings.cosines(query.pooled, rows, cosines),
    }
    return Candidates(rows, signals, fuse(signals, weights))


def together(near: Rows, matching: Rows, k: int, each: int = CANDIDATES) -> Rows:
    """The first of the rows near by dense and of those that match by BM25, `each` best first; and
    where these are fewer than k, the next of the near ones. In ascending order."""
    first = np.union1d(near[:each], matching[:each])
    others = near[each:][~np.isin(near[each:], first)]
    rows: Rows = np.union1d(first, others[: max(0, k - len(first))])
    return rows


def narrowed(candidates: Candidates, kept: npt.NDArray[np.bool_]) -> Candidates:
    """Some of the candidates of a hybrid search, as if there were no others."""
    signals = {name: signal[kept] for name, signal in candidates.signals.items()}
    return Candidates(candidates.rows[kept], signals, fuse(signals, WEIGHTS))


def best_of(snapshot: Snapshot, candidates: Candidates, k: int) -> list[ScoredPassage]:
    """The k best candidates, ordered by (-score, passage id)."""
    passages = [snapshot.passages[row] for row in candidates.rows]
    fused = candidates.fused.tolist()
    best = order(fused, [passage.id for passage in passages])[:k]
    return [
        ScoredPassage(passages[at], fused[at], _scores(candidates, at, fused[at])) for at in best
    ]


def _scores(candidates: Candidates, at: int, fused: float) -> Scores:
    raw = {name: float(signal[at]) for name, signal in candidates.signals.items()}
    return Scores(
        dense=raw.get("dense"),
        bm25=raw.get("bm25"),
        late=raw.get("late"),
        heading=raw.get("heading"),
        fused=fused,
    )


def _single(name: str, rows: Rows, scores: Signal) -> Candidates:
    return Candidates(rows, {name: scores}, {name: scores.astype(np.float64)})


def _best(scores: npt.NDArray[np.float32], k: int, within: Rows | None) -> Rows:
    """The rows of the k largest positive scores, best first, ties in row order."""
    rows = np.flatnonzero(scores > 0)
    if within is not None:
        rows = np.intersect1d(rows, within)
    best: Rows = rows[np.lexsort((rows, -scores[rows]))][:k].astype(np.int64)
    return best


def _rows_within(snapshot: Snapshot, filters: Filters, body_only: bool) -> Rows | None:
    """The rows that the filters let through, or None where they let all through."""
    if not filters.document_id and filters.section is None and not body_only:
        return None
    wanted = set(filters.document_id)
    rows = [
        row
        for row, passage in enumerate(snapshot.passages)
        if (not wanted or passage.document_id in wanted)
        and _in_section(section := snapshot.sections[passage.section_id], filters.section)
        and not (body_only and section.kind == "faq")
    ]
    return np.array(rows, dtype=np.int64)


def _in_section(section: Section, heading: str | None) -> bool:
    if heading is None:
        return True
    return heading.casefold() in (part.casefold() for part in section.heading_path)
