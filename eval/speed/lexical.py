"""BM25 alone, beside bm25s and tantivy: the same stems of the same passages, asked the same.

All three get stems and no text, so they differ by how they count and search. bm25s has Lucene's
weights with our constants, so its scores are ours. tantivy's constants are fixed (k1 1.2), and it
rounds lengths; it runs in an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import bm25s
import numpy as np

from eval.measures.retrieval import DEPTH, PRIMARY, per_query
from eval.speed.corpora import Material, passages
from eval.speed.figures import percentiles
from eval.speed.servers import environment
from rag.index.bm25 import K1, B
from rag.index.postings import index_texts
from rag.text import stems, stems_of_each, words

# As many as a search takes into fusion.
FOUND = 32
TURNS = 3
SEARCHER = Path(__file__).with_name("tantivy_search.py")

# The rows that a question's stems find, best first.
WordSearch = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class TimedSearch:
    """What a search found for each question, and its milliseconds; the seconds to index, stemming
    included."""

    rows: Sequence[Sequence[int]]
    milliseconds: Sequence[float]
    index_seconds: float


def measure(material: Material, size: int, python: Path, folder: Path) -> dict[str, Any]:
    """The figures of each search at a size, given the Python that has tantivy."""
    made = list(passages(material, size))
    texts = [f"{each.title}\n{each.text}" for each in made]
    asked = {each.question: row for row, each in enumerate(made) if each.question}
    queries = [stems(words(text)) for text in asked]
    start = time.perf_counter()
    stemmed = stems_of_each(texts)
    stemming_seconds = time.perf_counter() - start
    found = {
        "ours": _timed(lambda: our_search(texts), queries),
        "bm25s": _timed(lambda: bm25s_search(stemmed), queries),
        "tantivy": in_tantivy(stemmed, queries, python, folder),
    }
    figures = {name: _figures(each, found["ours"], asked) for name, each in found.items()}
    for name in ("bm25s", "tantivy"):
        figures[name]["index_seconds"] += stemming_seconds
    return figures


def our_search(texts: Sequence[str]) -> WordSearch:
    """The lexical part of our search."""
    index = index_texts(texts, ["en"] * len(texts))
    return lambda query: index.best(index.columns(query), FOUND)[0].tolist()


def bm25s_search(stemmed: Sequence[Sequence[str]], found: int = FOUND) -> WordSearch:
    """A search by bm25s."""
    retriever = bm25s.BM25(method="lucene", k1=K1, b=B)
    retriever.index(list(map(list, stemmed)), show_progress=False)

    def search(query: Sequence[str]) -> list[int]:
        rows, scores = retriever.retrieve(
            [list(dict.fromkeys(query))], k=found, show_progress=False
        )
        return [row for row, score in zip(rows[0].tolist(), scores[0], strict=True) if score > 0]

    return search


def in_tantivy(
    stemmed: Sequence[Sequence[str]], queries: Sequence[Sequence[str]], python: Path, folder: Path
) -> TimedSearch:
    """The same in a process of tantivy's environment."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"texts": list(map(" ".join, stemmed)), "queries": queries}
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    command = [str(python), str(SEARCHER), str(folder / "asked.json"), str(FOUND), str(TURNS)]
    done = subprocess.run(command, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
    return TimedSearch(**json.loads(done.stdout))


def _timed(opening: Callable[[], WordSearch], queries: Sequence[Sequence[str]]) -> TimedSearch:
    start = time.perf_counter()
    search = opening()
    index_seconds = time.perf_counter() - start
    rows: list[Sequence[int]] = []
    best = np.full(len(queries), np.inf)
    for _ in range(TURNS):
        rows = []
        for at, query in enumerate(queries):
            start = time.perf_counter()
            rows.append(search(query))
            best[at] = min(best[at], 1000 * (time.perf_counter() - start))
    return TimedSearch(rows, best.tolist(), index_seconds)


def _figures(found: TimedSearch, ours: TimedSearch, asked: Mapping[str, int]) -> dict[str, Any]:
    run = {text: list(map(str, rows)) for text, rows in zip(asked, found.rows, strict=True)}
    ndcg = per_query({text: {str(row): 1} for text, row in asked.items()}, run)[PRIMARY]
    pairs = zip(found.rows, ours.rows, strict=True)
    shared = [
        len({*rows[:DEPTH]} & {*own[:DEPTH]}) / max(1, len(own[:DEPTH])) for rows, own in pairs
    ]
    return {
        "index_seconds": found.index_seconds,
        "search_ms": percentiles(found.milliseconds),
        "ndcg": fmean(ndcg.values()),
        "shared": fmean(shared),
    }
