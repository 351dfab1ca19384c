"""bm25s alone, beside the whole search, over the same passages: speed at its quality.

It matches words and no meaning, gives no citations and no confidence, and encodes nothing: a bound
of what any search with a model can reach, not a rival. Two late-interaction engines are left out:
fast-plaid requires torch 2.11, which had no build for CPUs here, and crashes with 2.13; xtr-warp-rs
requires CUDA's libraries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import bm25s
import Stemmer

from eval.measures.retrieval import DEPTH, PRIMARY, per_query
from eval.sets.beir import Collection
from rag.answering import encode_query, find_candidates
from rag.encoders import Encoder
from rag.index import Snapshot

TURNS = 3
# Passages a question: a document may have several, and it counts once.
FOUND = 3 * DEPTH

Search = Callable[[str], Sequence[str]]


def measure(collection: Collection, snapshot: Snapshot, encoder: Encoder) -> dict[str, Any]:
    """Questions a second, the best of turns that alternate, and nDCG@10 of each search."""
    searches: dict[str, Search] = {
        "whole search, encoding included": lambda text: whole_search(snapshot, encoder, text),
        "bm25s alone": bm25s_search(snapshot),
    }
    best = dict.fromkeys(searches, float("inf"))
    scores: dict[str, float] = {}
    for _ in range(TURNS):
        for name, search in searches.items():
            start = time.perf_counter()
            run = {id: search(text)[:DEPTH] for id, text in collection.queries.items()}
            best[name] = min(best[name], time.perf_counter() - start)
            scores[name] = fmean(per_query(collection.qrels, run)[PRIMARY].values())
    return {
        name: {"questions_per_second": len(collection.queries) / best[name], "ndcg": scores[name]}
        for name in searches
    }


def whole_search(snapshot: Snapshot, encoder: Encoder, text: str) -> list[str]:
    """The documents that the service finds, best first."""
    hits = find_candidates(snapshot, encode_query(text, encoder)).best(FOUND)
    return list(dict.fromkeys(hit.passage.document_id for hit in hits))


def bm25s_search(snapshot: Snapshot) -> Search:
    """A search by bm25s with its own defaults for English."""
    stemmer = Stemmer.Stemmer("english")
    texts = [passage.in_context for passage in snapshot.passages]
    documents = [passage.document_id for passage in snapshot.passages]
    retriever = bm25s.BM25()
    words = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
    retriever.index(words, show_progress=False)

    def search(text: str) -> list[str]:
        asked = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, show_progress=False)
        rows, _ = retriever.retrieve(asked, k=min(FOUND, len(texts)), show_progress=False)
        return list(dict.fromkeys(documents[row] for row in rows[0].tolist()))

    return search


def collection_folder(data: Path) -> Path:
    """The public set that is searched."""
    return data / "retrieval" / "cranfield"
