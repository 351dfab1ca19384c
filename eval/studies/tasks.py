"""The tasks on which retrieval is tuned and compared: public sets that trained nothing.

Six public collections, and the questions of the squad2 articles that were held out of training,
once among all paragraphs and once with each article as a corpus of its own: a small corpus, where
every passage is a candidate, is what many users have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.studies.pools import Pool, judged, part_of, read_pool
from eval.studies.squad import query_parts
from rag.building.reuse import reuse_of
from rag.encoders.base import Encoder
from rag.types import Progress

COLLECTIONS = ("cacm", "covidfaq", "cranfield", "medline", "scifact", "stackfaq")
SQUAD = "abstention/squad2"
# Questions a task at most, drawn with this seed, so that one run takes minutes.
MOST = 300
SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Questions reported together; they may be asked of several pools."""

    name: str
    parts: tuple[tuple[Pool, list[str]], ...]


def read_tasks(data: Path, encoder: Encoder, cache: Path, progress: Progress) -> list[Task]:
    """The eight tasks, from the folder that holds retrieval/ and abstention/."""
    tasks = []
    for name in COLLECTIONS:
        folder = data / "retrieval" / name
        pool = read_pool(folder, encoder, cache, progress)
        tasks.append(Task(name, ((pool, drawn(judged(pool))),)))
    squad = read_pool(data / SQUAD, encoder, cache, progress)
    parts = query_parts(data / SQUAD)
    queries = drawn([query for query in judged(squad) if parts[query] != "train"])
    return [
        *tasks,
        Task("squad2", ((squad, queries),)),
        Task("squad2-articles", alone(squad, queries, encoder)),
    ]


def drawn(queries: Sequence[str], most: int = MOST) -> list[str]:
    """At most that many of the queries, in their order."""
    if len(queries) <= most:
        return list(queries)
    chosen = np.random.default_rng(SEED).choice(len(queries), most, replace=False)
    return [queries[at] for at in sorted(chosen.tolist())]


def alone(
    pool: Pool, queries: Sequence[str], encoder: Encoder
) -> tuple[tuple[Pool, list[str]], ...]:
    """The queries by article, each article a pool of its own."""
    reuse = reuse_of(pool.snapshot, encoder)
    return tuple(
        (part_of(pool, name, documents, own, encoder, reuse), own)
        for name, documents, own in by_article(pool, queries)
    )


def by_article(pool: Pool, queries: Sequence[str]) -> list[tuple[str, list[str], list[str]]]:
    """Name, documents and queries of each article, which is the title of its documents."""
    documents = pool.snapshot.documents
    asked: dict[str, list[str]] = {}
    for query in queries:
        asked.setdefault(documents[min(pool.qrels[query])].title, []).append(query)
    return [
        (
            f"{pool.name}/{title}",
            [id for id, document in documents.items() if document.title == title],
            asked[title],
        )
        for title in sorted(asked)
    ]
