"""Questions with and without an answer, and the features to fit the confidence from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.measures.runs import relevant
from eval.sets.beir import read_collection
from eval.studies.pools import Pool, found_in, judged, part_of, read_pool
from eval.studies.squad import query_parts
from eval.studies.tasks import COLLECTIONS, SQUAD, by_article, drawn
from rag.answering.confidence import FIRST
from rag.answering.confidence import features as served_features
from rag.answering.profile import Features
from rag.answering.search import Candidates
from rag.building.reuse import reuse_of
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
        sets[name] = cases(pool, found_in(pool, drawn(judged(pool)), encoder), {})
    squad = read_pool(data / SQUAD, encoder, cache, progress)
    answerable, parts = read_collection(data / SQUAD).answerable, query_parts(data / SQUAD)
    parted = {}
    for part in ("calibrate", "score"):
        queries = [query for query in squad.queries if parts[query] == part]
        whole = found_in(squad, drawn(queries, SQUAD_MOST), encoder)
        with_answer = [query for query in queries if relevant(squad.qrels.get(query, {}))]
        parted[part] = {
            f"squad2, {part} articles": cases(squad, whole, answerable),
            f"squad2, {part} articles alone": articles_alone(squad, drawn(with_answer), encoder),
        }
    return sets | parted["calibrate"], parted["score"]


def articles_alone(squad: Pool, queries: Sequence[str], encoder: Encoder) -> Cases:
    """Each article as a corpus: asked its questions, with and without the passages that answer
    them, and as many drawn from those of the others."""
    generator, reuse = np.random.default_rng(SEED), reuse_of(squad.snapshot, encoder)
    made = []
    for name, documents, own in by_article(squad, queries):
        others = [query for query in queries if query not in own]
        foreign = generator.choice(others, min(len(own), len(others)), replace=False).tolist()
        pool = part_of(squad, name, documents, [*own, *foreign], encoder, reuse)
        found = found_in(pool, list(pool.queries), encoder)
        made.append(cases(pool, found, dict.fromkeys(foreign, False)))
    return Cases(
        np.concatenate([each.features for each in made]),
        np.concatenate([each.answerable for each in made]),
        np.concatenate([each.right for each in made]),
    )


def cases(pool: Pool, found: Mapping[str, Candidates], answerable: Mapping[str, bool]) -> Cases:
    """The questions with their features; if the set does not say what is answerable, each question
    twice, with and without the passages that answer it."""
    rows = []
    for query, each in found.items():
        gold = _gold(pool, query, each)
        if query in answerable:
            rows.append((each, gold, answerable[query]))
        else:
            rows += [(each, gold, True), (each.narrowed(~gold), gold[~gold], False)]
    kept = [row for row in rows if len(row[0].rows)]
    return Cases(
        np.array([features(each) for each, _, _ in kept]),
        np.array([has_answer for _, _, has_answer in kept]),
        np.array([yes and bool(gold[each.ranked()[:TOP]].any()) for each, gold, yes in kept]),
    )


def features(found: Candidates) -> tuple[float, ...]:
    """The values of `FEATURES`, of at least one candidate."""
    served, best = served_features(found), found.ranked()
    dense, bm25, late = (found.signals[name][best] for name in ("dense", "bm25", "late"))
    return (
        *astuple(served),
        float(dense[:FIRST].max()),
        float(late[0] - late[min(SIXTH, len(late) - 1)]),
        float(bm25[:FIRST].max()),
        float(late[0]) - served.lead,
    )


def _gold(pool: Pool, query: str, found: Candidates) -> npt.NDArray[np.bool_]:
    grades = pool.qrels.get(query, {})
    return np.array([grades.get(pool.units[row], 0) > 0 for row in found.rows], dtype=bool)
