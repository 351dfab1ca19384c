"""Search: the one function behind `/ask`, `rag ask` and the evaluation.

Candidates are the best by dense and by BM25; late interaction scores them; fusion orders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag.answering.document_filters import documents_within
from rag.answering.fusion import SCALES, STRETCHED, Scaled, Signal, fuse, order
from rag.answering.profile import Weights, profile_of
from rag.encoders import Encoder
from rag.index import LateInteraction, Snapshot
from rag.text import STOP_WORDS, stems, words
from rag.types import MAX_TOP_K, NO_FILTERS, Filters, Mode, ScoredPassage, Scores
from rag.types.errors import UsageError

# So many of the best by dense and by BM25 are candidates. More find hardly more answers, and cost
# time: docs/quality.md.
CANDIDATES = 32
# The weight of BM25 for a question with a name that is a stop word (`plan A`). The model takes it
# for an article and finds plan B nearer: docs/decisions/0009-words.md.
NAMED = 1.5

Rows = npt.NDArray[np.int64]
# Which rows of the index may be found, bool (n_passages,); None for all.
Within = npt.NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the signals see it.

    `pooled` float32 (dim,), L2-normalised; `tokens` float32 (q, dim), rows L2-normalised;
    `words` and their English `stems` are in order. `readable` is false if the model does not know
    half of its characters; `named` is true if a stop word names something (`plan A`).
    """

    text: str
    pooled: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.float32]
    words: tuple[str, ...]
    stems: tuple[str, ...]
    readable: bool = True
    named: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Passages of a snapshot that may answer a query, by their rows int64 (n,).

    `interaction` is the query's with any passage of the snapshot. `signals` are raw scores float32
    (n,) by the signal's name; `shares` what those with a weight add to the fused score, float64
    (n,). With one signal alone, its share is its score.
    """

    snapshot: Snapshot
    query: Query
    rows: Rows
    interaction: LateInteraction
    signals: Mapping[str, Signal]
    shares: Mapping[str, Scaled]

    @property
    def fused(self) -> Scaled:
        """The fused scores, float64 (n,)."""
        total: Scaled = np.sum(list(self.shares.values()), axis=0, dtype=np.float64)
        return total

    def ranked(self) -> list[int]:
        """The places of the candidates, best first, by (-score, passage id)."""
        return order(self.fused, self.snapshot.passages.keys[self.rows])

    def best(self, k: int) -> list[ScoredPassage]:
        """The k best candidates, or all that there are, best first."""
        fused = self.fused.tolist()
        return [
            ScoredPassage(
                self.snapshot.passages[self.rows[at]], fused[at], _scores(self, at, fused[at])
            )
            for at in self.ranked()[:k]
        ]

    def narrowed(self, kept: npt.NDArray[np.bool_]) -> Candidates:
        """Some of the candidates of a hybrid search, as if there were no others."""
        signals = {name: signal[kept] for name, signal in self.signals.items()}
        shares = fuse(signals, _weights(self.snapshot, self.query))
        return replace(self, rows=self.rows[kept], signals=signals, shares=shares)


def encode_query(text: str, encoder: Encoder) -> Query:
    """The question as the signals see it. Raises UsageError for bytes that are no text.

    An argument that is not UTF-8 reaches Python as lone surrogates, and JSON can hold them too.

    The tokens of unknown characters are all alike, and near to those of any others in a passage.
    They are left out unless there are no others.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the question {text!r} is not text in UTF-8: write it again") from None
    encoded = encoder.encode_queries([text])
    tokens, found = encoded.tokens[0], words(text)
    unknown = encoder.unknown(text) if encoded.unknown is None else encoded.unknown[0]
    if unknown:
        # What does not fit into the window has no token vector.
        known = np.delete(tokens, [at for at in unknown if at < len(tokens)], axis=0)
        tokens = known if len(known) else tokens
    return Query(
        text,
        encoded.pooled[0],
        tokens,
        tuple(found),
        tuple(stems(found)),
        readable=_are_few(unknown, text, encoder),
        named=not STOP_WORDS.isdisjoint(found),
    )


def is_readable(text: str, encoder: Encoder) -> bool:
    """Whether the model knows more than half of the text's letters and digits."""
    return _are_few(encoder.unknown(text), text, encoder)


def _are_few(unknown: Sequence[int], text: str, encoder: Encoder) -> bool:
    """Whether these word pieces of a text hold less than half of its letters and digits."""
    if not unknown:
        return True
    letters = [sum(map(str.isalnum, text[a:b])) for a, b in encoder.word_pieces(text)]
    return 2 * sum(letters[at] for at in unknown) < sum(letters)


def find_candidates(
    snapshot: Snapshot,
    query: Query,
    *,
    mode: Mode = "hybrid",
    filters: Filters = NO_FILTERS,
    body_only: bool = False,
    weights: Weights | None = None,
    stretched: bool = False,
    each: int = CANDIDATES,
) -> Candidates:
    """The passages that may answer, scored by every signal that the mode uses.

    Hybrid takes the `each` best by dense and by BM25, and then the next by dense, up to
    `MAX_TOP_K`; a signal alone takes its `MAX_TOP_K` best. BM25 finds nothing for a question of
    stop words alone. `body_only` leaves FAQ pairs out. In place of the model's profile, `weights`
    rank, and a signal without a weight is not computed unless it finds candidates; `stretched` maps
    cosines onto [0, 1] as the other signals are.
    """
    within = _within(snapshot, filters, body_only)
    if mode == "dense":
        rows, cosines = snapshot.dense.nearest(query.pooled, MAX_TOP_K, within)
        return _single(snapshot, query, "dense", rows, cosines)
    asked = snapshot.lexical.columns(snapshot.lexical.stems_of(query.words))
    matching, impacts = snapshot.lexical.best(asked, max(each, MAX_TOP_K), within)
    if mode == "bm25":
        return _single(snapshot, query, "bm25", matching[:MAX_TOP_K], impacts[:MAX_TOP_K])
    weights = _weights(snapshot, query) if weights is None else weights
    near, _ = snapshot.dense.nearest(query.pooled, max(each, MAX_TOP_K), within)
    rows = together(near, matching, MAX_TOP_K, each)
    cosines = snapshot.dense.cosines(query.pooled, rows)
    signals = {"dense": cosines, "bm25": snapshot.lexical.scores(asked, rows)}
    interaction = LateInteraction(query.tokens, snapshot.tokens)
    if "late" in weights:
        signals["late"] = interaction.scores(rows.tolist())
    if "heading" in weights:
        signals["heading"] = snapshot.headings.cosines(query.pooled, rows, cosines)
    shares = fuse(signals, weights, STRETCHED if stretched else SCALES)
    return Candidates(snapshot, query, rows, interaction, signals, shares)


def together(near: Rows, matching: Rows, k: int, each: int) -> Rows:
    """The `each` first of the rows near by dense and of those that match by BM25, best first; if
    these are fewer than k, also the next near ones. In ascending order."""
    first = {*near[:each].tolist(), *matching[:each].tolist()}
    others = [row for row in near[each:].tolist() if row not in first]
    rows: Rows = np.array(sorted([*first, *others[: max(0, k - len(first))]]), dtype=np.int64)
    return rows


def _weights(snapshot: Snapshot, query: Query) -> Weights:
    weights = profile_of(snapshot.manifest.model).weights
    return {**weights, "bm25": NAMED} if query.named else weights


def _scores(candidates: Candidates, at: int, fused: float) -> Scores:
    raw = {name: float(signal[at]) for name, signal in candidates.signals.items()}
    return Scores(**dict.fromkeys(SCALES) | raw, fused=fused)


def _single(snapshot: Snapshot, query: Query, name: str, rows: Rows, scores: Signal) -> Candidates:
    shares = {name: scores.astype(np.float64)}
    interaction = LateInteraction(query.tokens, snapshot.tokens)
    return Candidates(snapshot, query, rows, interaction, {name: scores}, shares)


def _within(snapshot: Snapshot, filters: Filters, body_only: bool) -> Within:
    """The rows that the filters let through."""
    kept = []
    if (ids := documents_within(snapshot, filters)) is not None:
        kept.append(_mask(snapshot, [snapshot.rows_of(id) for id in ids]))
    if filters.section is not None:
        kept.append(_mask(snapshot, [snapshot.passages.under(filters.section)]))
    if body_only:
        kept.append(~snapshot.passages.is_faq)
    return np.logical_and.reduce(kept) if kept else None


def _mask(snapshot: Snapshot, listed: Sequence[range | Rows]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(len(snapshot.passages), dtype=bool)
    for rows in listed:
        mask[rows] = True
    return mask
