"""Alignment: how much of the question each sentence of a passage holds.

Late interaction looks for a question token anywhere in a passage. This looks in one sentence, and
in what stands above it. The sentence with most of the question makes the confidence, and is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.index import LateInteraction, Marks, Snapshot, TokenStore
from rag.types import Passage

# What a question token's cosine loses if it is found in the sentence before, or in the heading
# above the first one. Chosen on one half of squad2: docs/decisions/0007-signals.md
BEFORE = 0.25
ABOVE = 0.1
# A token of the question that the headings hold says what the document is about, not what is asked.
# It counts less, but not nothing.
LEAST = 0.3

# What parts the cells of a row.
_CELL = " | "

Cosines = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# Where a sentence starts and ends in the text of its passage.
Extent = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How much of the question the sentences of a passage hold.

    `spans` are the places of the sentences in the passage's text, `coverages` float32 (n,) how much
    each holds, as `_coverages` says. `best` float32 (q,) is the best cosine of each question
    token in the whole passage. A passage without sentences counts as one without a place; one
    without tokens has cosines of 0.
    """

    spans: tuple[Extent, ...]
    coverages: Cosines
    best: Cosines

    @property
    def coverage(self) -> float:
        """What the sentence holds that holds most."""
        return float(self.coverages.max())

    @property
    def nearest(self) -> Extent:
        """Where the first of the sentences is that hold most; (0, 0) without sentences."""
        return self.spans[int(self.coverages.argmax())] if self.spans else (0, 0)


def align(
    snapshot: Snapshot, interaction: LateInteraction, passages: Sequence[Passage]
) -> list[Alignment]:
    """The alignment of the interaction's question with each passage."""
    rows = [(snapshot.row(passage), passage.text) for passage in passages]
    return align_rows(snapshot.marks, interaction, rows)


def align_rows(
    marks: Marks, interaction: LateInteraction, rows: Sequence[tuple[int, str]]
) -> list[Alignment]:
    """The alignment of the question with each of these rows of marks and tokens, and its text."""
    interaction.meet([row for row, _ in rows])
    sentences = [_sentences(marks, interaction.tokens, row) for row, _ in rows]
    asked = len(interaction.query)
    held = [at for at, own in enumerate(sentences) if asked and len(own)]
    aligned = _aligned(interaction, [(*rows[at], sentences[at]) for at in held]) if held else ()
    none = Alignment((), np.zeros(1, np.float32), np.zeros(asked, np.float32))
    found = dict(zip(held, aligned, strict=True))
    return [found.get(at, none) for at in range(len(rows))]


def _sentences(marks: Marks, tokens: TokenStore, row: int) -> Rows:
    """The sentences of a passage as `Marks` has them, int64 (n, 4); none if it has no tokens."""
    sentences = marks.of(row).astype(np.int64)
    if len(sentences):
        return sentences
    count = int(tokens.starts[row + 1] - tokens.starts[row])
    return np.array([[0, 0, 0, count]] if count else [], dtype=np.int64).reshape(-1, 4)


def _aligned(
    interaction: LateInteraction, passages: Sequence[tuple[int, str, Rows]]
) -> Iterator[Alignment]:
    """The alignment with each of these rows, its text and its sentences, at least one of each."""
    best = interaction.best([(row, _bounds(own), int(own[-1, 3])) for row, _, own in passages])
    firsts = np.cumsum([0, *(len(own) for _, _, own in passages)])
    # Nothing stands above a sentence that begins the passage.
    best[[2 * at for at, (_, _, own) in zip(firsts, passages, strict=False) if own[0, 2] == 0]] = 0
    spans = [own[:, :2].tolist() for _, _, own in passages]
    texts = [text for _, text, _ in passages]
    coverages = _coverages(texts, spans, best[1::2], best[::2], firsts)
    most = np.maximum(np.maximum.reduceat(best, 2 * firsts[:-1], axis=0), 0)
    for at, own in enumerate(spans):
        first, end = firsts[at : at + 2]
        yield Alignment(
            tuple((start, after) for start, after in own if start < after),
            coverages[first:end],
            most[at],
        )


def _bounds(sentences: Rows) -> Rows:
    """Where the tokens before and within each sentence start, by turns.

    What stands after the last one counts for none.
    """
    bounds = np.zeros(2 * len(sentences), dtype=np.int64)
    bounds[1:] = sentences[:, 2:].ravel()[:-1]
    return bounds


def _coverages(
    texts: Sequence[str],
    spans: Sequence[Sequence[Sequence[int]]],
    within: Cosines,
    before: Cosines,
    firsts: Rows,
) -> Cosines:
    """How much of the question each sentence of some passages holds, float32 (n,).

    `within` float32 (n, q) are the best cosines of each question token in each sentence, `before`
    those in what stands between it and the sentence before; for the first one of a passage, in the
    headings. The sentences of passage i are firsts[i] up to firsts[i + 1].

    A token may also be found in the sentence before, at a cost: `It takes hours.` says of what it
    speaks one sentence earlier. The first sentence borrows from the headings or the question above,
    a row of a table from its header. The coverage is the mean of two means over the tokens: of the
    cosines, with those in the headings; and without them, where tokens of the headings weigh less.
    """
    lent = np.empty_like(within)
    np.subtract(within[:-1], np.float32(BEFORE), out=lent[1:])
    borrowed = [
        (first + at, first + lender)
        for first, text, own in zip(firsts.tolist(), texts, spans, strict=False)
        for at, lender in enumerate(_lenders(text, own))
        if lender >= 0
    ]
    borrowers, lenders = zip(*borrowed, strict=True)
    lent[[*borrowers]] = before[[*lenders]] - np.float32(ABOVE)
    found, above = np.maximum(within, lent), before[firsts[:-1]]
    weights = np.minimum(np.maximum(1 - above, np.float32(LEAST)), 1)
    of = np.repeat(np.arange(len(above)), np.diff(firsts))
    own = _weighted(np.maximum(found, 0), weights, firsts) / weights.sum(axis=1)[of]
    coverages: Cosines = (np.maximum(found, above[of]).sum(axis=1) / within.shape[1] + own) / 2
    return coverages


def _weighted(found: Cosines, weights: Cosines, firsts: Rows) -> Cosines:
    """The sum over the tokens of what each sentence holds, by its passage's weights, float32 (n,).

    Passage by passage: in one product with others, a sum would be in another order.
    """
    sums = np.empty(len(found), found.dtype)
    for at, each in enumerate(weights):
        own = slice(firsts[at], firsts[at + 1])
        np.matmul(found[own], each, out=sums[own])
    return sums


def _lenders(text: str, spans: Sequence[Sequence[int]]) -> Iterator[int]:
    """For each sentence the one before which stands what it borrows from; -1: the sentence before.

    The first sentence borrows from the heading, and each row of a table from the table's header.
    """
    end, header = 0, -1
    for at, (start, after) in enumerate(spans):
        if _CELL in text[end:start]:
            header = at
        elif _CELL not in text[start:after]:
            header = -1
        yield header if at else 0
        end = after
