"""nDCG@10 with other passages or scores: by length, raised by kin, with sentence vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from statistics import fmean

import numpy as np

from eval.fit_fusion import Found
from eval.fusions import SHIPPED, Fusion, Scores, fused
from eval.orders import Kin, Others, raised
from eval.sentence_vectors import best_cosines, sentence_vectors
from eval.signals import Pool, Signals, ndcg
from rag.encoder import Encoder
from rag.fusion import Signal, min_max

SERVED = "as served"
SHARES = (0.1, 0.2, 0.4)
KINDS: tuple[Others, ...] = ("best", "mean")
SENTENCE_WEIGHTS = (0.25, 0.5, 1.0)
KIN: Mapping[str, Kin] = {
    "document": lambda passage: passage.document_id,
    "title": lambda passage: passage.context,
}

All = Mapping[str, Found]
"""Task -> its pools and the signals of their questions."""
Rows = dict[str, dict[str, float]]
"""What was tried -> task -> mean nDCG@10."""
PooledFusion = Callable[[Pool, Signals], Scores]


def means(found: All, fusion: PooledFusion) -> dict[str, float]:
    """Mean nDCG@10 by task."""
    return {
        task: fmean(
            value
            for pool, asked in of
            for value in ndcg(pool, asked, partial(fusion, pool)).values()
        )
        for task, of in found.items()
    }


def plain(fusion: Fusion) -> PooledFusion:
    """The fusion, whatever the pool."""
    return lambda _, each: fusion(each)


def kin_rows(found: All) -> Rows:
    """With each passage's score raised by a share of the others' of its kin."""
    rows = {SERVED: means(found, plain(fused))}
    for name, kind, share in product(KIN, KINDS, SHARES):
        fusion = partial(_raised, kin=KIN[name], share=share, kind=kind)
        rows[f"{share:g} of the {kind} other of its {name}"] = means(found, fusion)
    return rows


def sentence_rows(found: All, encoder: Encoder) -> Rows:
    """With the best sentence's cosine as one more signal, and in place of dense."""
    cosines = {
        (pool.name, query): cosine
        for of in found.values()
        for pool, asked in of
        for query, cosine in _sentence_cosines(pool, asked, encoder)
    }

    def own(pool: Pool, each: Signals) -> Signal:
        return cosines[pool.name, each.query]

    return {
        SERVED: means(found, plain(fused)),
        "sentence alone": means(found, lambda pool, each: min_max(own(pool, each))),
        "sentence in place of dense": means(
            found, lambda pool, each: fused(with_dense(each, own(pool, each)))
        ),
        **{
            f"sentence beside, weight {weight:g}": means(
                found, partial(_beside, fourth=own, weight=weight)
            )
            for weight in SENTENCE_WEIGHTS
        },
    }


def with_dense(each: Signals, cosines: Signal) -> Signals:
    """With other cosines, which the heading signal takes over where there is no heading."""
    heading = np.where(each.heading == each.dense, cosines, each.heading)
    return replace(each, dense=cosines, heading=heading)


def _raised(pool: Pool, each: Signals, *, kin: Kin, share: float, kind: Others) -> Scores:
    names = [kin(pool.passages[row]) for row in each.rows]
    return raised(fused(each), names, share, kind)


def _beside(
    pool: Pool, each: Signals, *, fourth: Callable[[Pool, Signals], Signal], weight: float
) -> Scores:
    """The fused score and one more signal, stretched, with a weight beside the others' own."""
    total: float = sum(asdict(SHIPPED).values())
    return total * fused(each) + weight * min_max(fourth(pool, each))


def _sentence_cosines(
    pool: Pool, asked: Sequence[Signals], encoder: Encoder
) -> Iterator[tuple[str, Signal]]:
    place = {query: at for at, query in enumerate(pool.queries)}
    vectors = sentence_vectors(pool, encoder)
    for each in asked:
        query = pool.asked.pooled[place[each.query]]
        yield each.query, best_cosines(vectors, query, each.rows)
