"""Sets of questions, each with the snapshot that is asked, for training and fitting.

The snapshot is what `rag build` makes, and candidates are what the service finds in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.measures.retrieval import DEPTH, PRIMARY, per_query
from eval.measures.runs import first_of_each, relevant
from eval.running.cache import served_snapshot
from eval.sets.beir import read_collection
from rag.answering.fusion import Signal, order
from rag.answering.profile import Weights
from rag.answering.search import CANDIDATES, Candidates, encode_query, find_candidates
from rag.building.build import index_corpus
from rag.building.reuse import Reuse
from rag.documents.corpus import Corpus, ReadOptions, read_corpus
from rag.encoders.base import Encoder
from rag.encoders.bundled import file_sha256
from rag.index.snapshot import Snapshot
from rag.types import ParsedDocument, Progress

BEIR_FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
Fusion = Callable[[Mapping[str, Signal]], npt.NDArray[np.float64]]
"""Each signal's scores of the candidates by its name -> one score a candidate."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Questions, and the snapshot that is asked for their answers.

    `units` says of each passage what it is judged as (its document; in FAQ pages its section),
    `qrels` is in units; `queries` is id -> text. `hashes` is what it was read from: file -> sha256.
    """

    name: str
    hashes: Mapping[str, str]
    snapshot: Snapshot
    units: tuple[str, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


def read_pool(folder: Path, encoder: Encoder, cache: Path, progress: Progress) -> Pool:
    """The pool of a folder in BEIR layout; its snapshot is kept in the `cache` folder."""
    collection = read_collection(folder)
    snapshot = served_snapshot(collection.corpus, encoder, cache, progress)
    return Pool(
        name=collection.name,
        hashes={name: file_sha256(folder / name) for name in BEIR_FILES},
        snapshot=snapshot,
        units=tuple(passage.document_id for passage in snapshot.passages),
        queries=collection.queries,
        qrels=collection.qrels,
    )


def read_faq_pool(folder: Path, encoder: Encoder, progress: Progress) -> Pool:
    """The pool of FAQ pages: of each pair the answer is indexed, and the question asked."""
    corpus = read_corpus([folder], options=ReadOptions(strict=True))
    snapshot = index_corpus(corpus, encoder, faq="answers", progress=progress)
    units = tuple(passage.section_id for passage in snapshot.passages)
    pairs = [
        each for each in snapshot.sections.values() if each.kind == "faq" and each.id in set(units)
    ]
    return Pool(
        name=folder.resolve().name,
        hashes={"documents": corpus.sha256},
        snapshot=snapshot,
        units=units,
        queries={pair.id: pair.heading_path[-1] for pair in pairs},
        qrels={pair.id: {pair.id: 1} for pair in pairs},
    )


def part_of(
    pool: Pool,
    name: str,
    documents: Sequence[str],
    queries: Sequence[str],
    encoder: Encoder,
    reuse: Reuse,
) -> Pool:
    """The pool of some documents and queries alone; `reuse` is of the whole pool's snapshot."""
    known = [ParsedDocument(pool.snapshot.documents[id], ()) for id in sorted(documents)]
    snapshot = index_corpus(Corpus(known, unchanged=frozenset(documents)), encoder, reuse=reuse)
    return replace(
        pool,
        name=name,
        snapshot=snapshot,
        units=tuple(passage.document_id for passage in snapshot.passages),
        queries={query: pool.queries[query] for query in queries},
    )


def judged(pool: Pool) -> list[str]:
    """The ids of the queries that have a relevant judgment, in order."""
    return [query for query in pool.queries if relevant(pool.qrels.get(query, {}))]


def found_in(
    pool: Pool,
    queries: Sequence[str],
    encoder: Encoder,
    *,
    weights: Weights | None = None,
    each: int = CANDIDATES,
) -> dict[str, Candidates]:
    """The candidates of each query, as they are served or by other weights and numbers."""
    return {
        query: find_candidates(
            pool.snapshot, encode_query(pool.queries[query], encoder), weights=weights, each=each
        )
        for query in queries
    }


def ndcg(pool: Pool, found: Mapping[str, Candidates], fusion: Fusion) -> dict[str, float]:
    """Query id -> nDCG@10 of the candidates in the order of a fusion."""
    run = {query: _ranked(pool, each, fusion(each.signals)) for query, each in found.items()}
    qrels = {query: pool.qrels[query] for query in run if relevant(pool.qrels.get(query, {}))}
    return dict(per_query(qrels, run)[PRIMARY])


def _ranked(pool: Pool, found: Candidates, scores: npt.NDArray[np.float64]) -> list[str]:
    rows = found.rows.tolist()
    best = order(scores.tolist(), [pool.snapshot.passages[row].id for row in rows])
    return first_of_each((pool.units[rows[at]] for at in best), DEPTH)
