"""Questions with and without an answer, and what may tell them apart, to fit the confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.measures.runs import relevant
from eval.sets.beir import read_collection
from eval.studies.fusions import fused
from eval.studies.nearest import nearest_sentence
from eval.studies.pools import Pool, Signals, by_name, judged, kept_signals, part_of, read_pool
from eval.studies.squad import query_parts
from eval.studies.tasks import COLLECTIONS, SQUAD, by_article, drawn
from rag.answering.confidence import BACKGROUND, ENOUGH, FIRST, Features
from rag.answering.fusion import order
from rag.answering.quantity import asks_for_quantity, names_quantity
from rag.encoders.base import Encoder
from rag.types import Progress

TOP = 5
SIXTH = 5
# squad2 has thousands of questions; this many of each part are asked.
SQUAD_MOST = 600
SEED = 0
# What ships, and what was tried beside it.
SHIPPED = tuple(field.name for field in fields(Features))
FEATURES = (*SHIPPED, "cosine", "lead over the sixth", "bm25", "background")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Questions as asked: `FEATURES` (n, 8); whether there is an answer; whether it was found."""

    features: Values
    answerable: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]


def read_cases(
    data: Path, encoder: Encoder, cache: Path, progress: Progress
) -> tuple[dict[str, Cases], dict[str, Cases]]:
    """What the confidence is fitted on, by set, and what only scores it."""
    sets = {}
    for name in COLLECTIONS:
        pool = read_pool(data / "retrieval" / name, encoder, cache, progress)
        found = kept_signals(pool, drawn(judged(pool)), cache)
        sets[name] = cases(pool, found, {}, encoder)
    squad = read_pool(data / SQUAD, encoder, cache, progress)
    answerable, parts = read_collection(data / SQUAD).answerable, query_parts(data / SQUAD)
    parted = {}
    for part in ("calibrate", "score"):
        queries = [query for query in squad.queries if parts[query] == part]
        whole = kept_signals(squad, drawn(queries, SQUAD_MOST), cache)
        with_answer = [query for query in queries if relevant(squad.qrels.get(query, {}))]
        parted[part] = {
            f"squad2, {part} articles": cases(squad, whole, answerable, encoder),
            f"squad2, {part} articles alone": articles_alone(
                squad, drawn(with_answer), encoder, cache
            ),
        }
    return sets | parted["calibrate"], parted["score"]


def articles_alone(squad: Pool, queries: Sequence[str], encoder: Encoder, cache: Path) -> Cases:
    """Each article as a corpus: asked its questions, with and without what answers them, and as
    many that were drawn from those of the others."""
    generator = np.random.default_rng(SEED)
    found = []
    for name, rows, own in by_article(squad, queries):
        others = [query for query in queries if query not in own]
        foreign = generator.choice(others, min(len(own), len(others)), replace=False).tolist()
        pool = part_of(squad, name, rows, [*own, *foreign])
        signals = kept_signals(pool, list(pool.queries), cache)
        found.append(cases(pool, signals, dict.fromkeys(foreign, False), encoder))
    return Cases(
        np.concatenate([each.features for each in found]),
        np.concatenate([each.answerable for each in found]),
        np.concatenate([each.right for each in found]),
    )


def cases(
    pool: Pool,
    found: Sequence[Signals],
    answerable: Mapping[str, bool],
    encoder: Encoder,
) -> Cases:
    """The questions with their features; where the set does not say what is answerable, each
    question twice, with and without the passages that answer it."""
    rows: list[tuple[tuple[float, ...], bool, bool] | None] = []
    for each in found:
        if each.query in answerable:
            asked = [(each, answerable[each.query])]
        else:
            asked = [(each, True), (_without_gold(pool, each), False)]
        rows.extend(_case(pool, *case, encoder) for case in asked)
    kept = [row for row in rows if row is not None]
    features, has_answer, right = zip(*kept, strict=True)
    return Cases(np.array(features), np.array(has_answer), np.array(right))


def features(signals: Signals, best: Sequence[int], unmet: bool) -> tuple[float, ...]:
    """The values of `FEATURES`, of candidates whose places are given best first.

    `unmet` says whether the question asks for a quantity that they do not name.
    """
    late, bm25 = signals.late[list(best)], signals.bm25[list(best)]
    missing = ENOUGH - len(late)
    background = float(np.median([*late.tolist(), *[BACKGROUND] * missing]))
    words = float(np.log1p(max(0.0, bm25[0] - np.median([*bm25.tolist(), *[0.0] * missing]))))
    return (
        float(late[:FIRST].max()),
        float(late[0]) - background,
        words,
        float(unmet),
        float(signals.dense[list(best[:FIRST])].max()),
        float(late[0] - late[min(SIXTH, len(late) - 1)]),
        float(bm25[:FIRST].max()),
        background,
    )


def _case(
    pool: Pool, found: Signals, answerable: bool, encoder: Encoder
) -> tuple[tuple[float, ...], bool, bool] | None:
    if len(found.rows) == 0:
        return None
    best = order(fused(found).tolist(), [pool.passages[row].id for row in found.rows])
    gold = _gold(pool, found)
    right = answerable and any(gold[at] for at in best[:TOP])
    first = [int(found.rows[at]) for at in best[:FIRST]]
    unmet = asks_for_quantity(pool.queries[found.query]) and not names_quantity(
        nearest_sentence(pool, found.query, first, encoder)
    )
    return features(found, best, unmet), answerable, right


def _gold(pool: Pool, found: Signals) -> list[bool]:
    grades = pool.qrels.get(found.query, {})
    return [grades.get(pool.units[row], 0) > 0 for row in found.rows]


def _without_gold(pool: Pool, found: Signals) -> Signals:
    left = ~np.array(_gold(pool, found), dtype=bool)
    kept = {name: values[left] for name, values in by_name(found).items()}
    return Signals(found.query, found.rows[left], **kept)
