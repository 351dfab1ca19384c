"""A question's candidates in order, and other orders: raised by kin, capped, without repeats."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from eval.fusions import Fusion, Scores
from eval.measures import DEPTH, PRIMARY, per_query
from eval.ranking import first_of_each
from eval.signals import Pool, Signals
from rag.fusion import order
from rag.types import Passage

Kin = Callable[[Passage], Hashable]
"""What a passage belongs to, or counts as."""
Others = Literal["best", "mean"]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A question and rows of its pool, best first."""

    pool: Pool
    query: str
    rows: Sequence[int]

    @property
    def passages(self) -> list[Passage]:
        """The passages in those rows."""
        return [self.pool.passages[row] for row in self.rows]

    @property
    def units(self) -> list[str]:
        """What each of the passages is judged as."""
        return [self.pool.units[row] for row in self.rows]


def ranked(pool: Pool, each: Signals, fusion: Fusion) -> Ranked:
    """The candidates ordered by (-score, passage id)."""
    best = order(fusion(each).tolist(), [pool.passages[row].id for row in each.rows])
    return Ranked(pool, each.query, [int(each.rows[at]) for at in best])


def mean_ndcg(asked: Sequence[Ranked]) -> float:
    """Mean nDCG@10 of questions, no two with one id."""
    run = {each.query: first_of_each(each.units, DEPTH) for each in asked}
    qrels = {each.query: each.pool.qrels[each.query] for each in asked}
    return fmean(per_query(qrels, run)[PRIMARY].values())


def raised(scores: Scores, kin: Sequence[Hashable], share: float, kind: Others) -> Scores:
    """Each score and a share of the best, or of the mean, of the other scores of its kin.

    What has no other is raised by that share of itself, so that neither it nor the rest gains.

    >>> raised(np.array([0.5, 0.25, 1.0]), ["a", "a", "b"], 0.5, "best").tolist()
    [0.625, 0.5, 1.5]
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for at, name in enumerate(kin):
        groups[name].append(at)
    result = scores.copy()
    for places in groups.values():
        result[places] += share * _others(scores[places], kind)
    return result


def capped(each: Ranked, kin: Kin, most: int) -> Ranked:
    """All the rows; those beyond `most` of one kin stand after the others."""
    kept, beyond = _parted(each, kin, most)
    return Ranked(each.pool, each.query, kept + beyond)


def collapsed(each: Ranked) -> Ranked:
    """The first row of each text, whatever its blanks."""
    kept, _ = _parted(each, bare_text, 1)
    return Ranked(each.pool, each.query, kept)


def bare_text(passage: Passage) -> str:
    """The passage's words and marks, parted by single blanks."""
    return " ".join(passage.text.split())


def _parted(each: Ranked, kin: Kin, most: int) -> tuple[list[int], list[int]]:
    """The rows of which no more than `most` are of one kin, and those beyond."""
    seen: Counter[Hashable] = Counter()
    kept: list[int] = []
    beyond: list[int] = []
    for row, passage in zip(each.rows, each.passages, strict=True):
        name = kin(passage)
        seen[name] += 1
        (kept if seen[name] <= most else beyond).append(row)
    return kept, beyond


def _others(scores: Scores, kind: Others) -> Scores:
    """For each score the best, or the mean, of the others; for one alone itself."""
    if len(scores) == 1:
        return scores
    if kind == "mean":
        mean: Scores = (scores.sum() - scores) / (len(scores) - 1)
        return mean
    second, first = np.sort(scores)[-2:]
    best: Scores = np.where(np.arange(len(scores)) == scores.argmax(), second, first)
    return best
