"""Public test sets: rows as published, which validate the measurement, and rows as we serve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.measures.retrieval import DEPTH
from eval.measures.runs import ranked, relevant
from eval.running.cache import document_vectors, served_snapshot
from eval.running.evaluation import TOP, AskedQuery, document_of, measured, put, quoted_sections
from eval.running.lucene import bm25
from eval.running.result import GroupResult, Result, run_facts
from eval.running.run import abstention
from eval.sets.beir import Collection
from eval.sets.evalset import EvalQuery
from rag.encoders import Encoder
from rag.types import MAX_TOP_K, Progress
from rag.types.errors import UsageError

PUBLISHED_NOTE = (
    "One vector a document, its title and text cut at the model's window; BM25 over whole "
    "documents as Lucene computes it. Published figures are made in this way: if ours agree, the "
    "measurement is right."
)
SERVED_NOTE = (
    "The documents cut into passages by this project, a document scored by its best passage, "
    "through the search that `/ask` calls. This is what users get."
)
# nDCG@10: BM25 as Anserini reproduces BEIR's flat index; the model as its users report it.
REFERENCES = {"scifact": {"bm25": 0.679, "dense": 0.645}}


def bench(
    collection: Collection,
    encoder: Encoder,
    cache: Path,
    command: Sequence[str],
    progress: Progress,
) -> Result:
    """The result of a public set: rows as published, rows as served, abstention if known.

    Vectors and snapshots are kept in the `cache` folder.
    """
    published = _published(collection, encoder, cache / "documents", progress)
    snapshot = served_snapshot(collection.corpus, encoder, cache / "snapshots", progress)
    queries = [EvalQuery(id, text, "", ()) for id, text in collection.queries.items()]
    asked = put(snapshot, encoder, queries, collection.qrels, progress, document_of)
    served = measured("as-served", "As we serve", SERVED_NOTE, asked)
    answerable = list(collection.answerable.values())
    return Result(
        name=collection.name,
        kind="public",
        facts=run_facts(snapshot.manifest, command, {"passages": MAX_TOP_K, "top": TOP}),
        labels={
            "origin": "public",
            "pairs": 0,
            "questions": len(collection.queries),
            "counted": len(served.questions),
            "trust": None,
            "stale": False,
        },
        groups=[published, served],
        leaks={},
        abstention=abstention(asked, collection.answerable),
        answerable=sum(answerable),
        unanswerable=len(answerable) - sum(answerable),
        sections=quoted_sections([published, served], snapshot),
    )


def _published(
    collection: Collection, encoder: Encoder, cache: Path, progress: Progress
) -> GroupResult:
    ids, texts, vectors = document_vectors(collection.corpus, encoder, cache, progress)
    _check_documents(collection, ids)
    judged = [query for query in collection.queries if relevant(collection.qrels.get(query, {}))]
    questions = [collection.queries[query] for query in judged]
    scores = {
        "dense": encoder.encode_queries(questions).pooled @ vectors.T,
        "bm25": bm25(texts, questions),
    }
    asked = [
        AskedQuery(
            query=EvalQuery(query, text, "", ()),
            grades=collection.qrels[query],
            returned={name: tuple(_best(ids, rows[at])) for name, rows in scores.items()},
            quotes={},
            shown={},
            held={},
            confidence={},
        )
        for at, (query, text) in enumerate(zip(judged, questions, strict=True))
    ]
    published = REFERENCES.get(collection.name, {})
    return measured("as-published", "As published", PUBLISHED_NOTE, asked, tuple(scores), published)


def _best(ids: Sequence[str], scores: npt.NDArray[np.float32]) -> list[str]:
    """The ids of the ten best documents, best first, ties by id; a score of 0 or less is none."""
    floor = np.sort(scores)[-DEPTH:][0]
    near = np.flatnonzero((scores >= floor) & (scores > 0))
    return ranked({ids[at]: float(scores[at]) for at in near.tolist()})[:DEPTH]


def _check_documents(collection: Collection, ids: Sequence[str]) -> None:
    known = set(ids)
    if len(known) < len(ids):
        raise UsageError(f"{collection.corpus} holds an `_id` twice: give each document its own")
    gone = sorted({id for judged in collection.qrels.values() for id in judged} - known)
    if gone:
        raise UsageError(
            f"{collection.corpus} lacks {len(gone)} judged documents, first {gone[0]!r}: "
            "corpus and judgments must be of one set"
        )
