"""What an index costs that is open: `python -m eval.speed.opened INDEX QUESTIONS` prints JSON.

A process of its own, so that its memory is that of the index and the encoder and of nothing else.
QUESTIONS is the folder of a corpus that `eval.speed.corpora` wrote; without it,
the index is opened and no more.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from eval.measures.retrieval import DEPTH, PRIMARY, per_query
from eval.speed.corpora import read_questions
from eval.speed.figures import percentiles
from eval.speed.servers import memory
from rag.answering import ask, encode_query, find_candidates
from rag.encoders import Encoder, open_encoder
from rag.index import Snapshot
from rag.serving.live import IndexFolder

# How many of the nearest vectors are compared with the exact ones.
NEAREST = 100
# Rows that are compared with a question at a time: 150 MB of vectors of 384 numbers.
ROWS = 100_000
WARM_UP = 5
TURNS = 3
THREADS = 2

T = TypeVar("T")
Vectors = npt.NDArray[np.float32]


def measure(index: Path, questions: Path | None) -> dict[str, Any]:
    """Seconds to open the index as a service does, memory, and what `asked` gives."""
    encoder = open_encoder("bundled", "onnx", THREADS)
    start = time.perf_counter()
    snapshot = IndexFolder(index, lambda: encoder).open().snapshot
    opening = {"open_seconds": time.perf_counter() - start}
    if questions is None:
        return opening
    memory_open = asdict(memory(os.getpid()))
    found = asked(snapshot, encoder, questions)
    return {**opening, "memory_open": memory_open, **found}


def asked(snapshot: Snapshot, encoder: Encoder, folder: Path) -> dict[str, Any]:
    """Search without encoding and whole answers in milliseconds of CPU, memory, nDCG@10 of the
    answers, and the share of the nearest vectors that dense search finds."""
    answering = read_questions(folder)
    texts = list(answering)
    queries = [encode_query(text, encoder) for text in texts]
    for text, query in zip(texts[:WARM_UP], queries, strict=False):
        find_candidates(snapshot, query)
        ask(snapshot, encoder, text, top_k=DEPTH)
    searches = [timed(partial(searched, snapshot, query)) for query in queries]
    answers = [timed(partial(ask, snapshot, encoder, text, top_k=DEPTH)) for text in texts]
    used = asdict(memory(os.getpid()))
    run = {
        text: list(dict.fromkeys(passage.citation.document_id for passage in answer.passages))
        for text, (answer, _) in zip(texts, answers, strict=True)
    }
    found = per_query({text: {id: 1} for text, id in answering.items()}, run)[PRIMARY]
    return {
        "passages": len(snapshot.passages),
        "questions": len(texts),
        "memory_asked": used,
        "search_ms": percentiles([taken for _, taken in searches]),
        "answer_ms": percentiles([taken for _, taken in answers]),
        "ndcg": fmean(found.values()),
        "recall": recall(snapshot, [query.pooled for query in queries]),
    }


def recall(snapshot: Snapshot, queries: Sequence[Vectors]) -> float:
    """The mean share of each query's 100 nearest vectors that dense search finds.

    A vector as near as the last of them, to six digits, counts as one of them.
    """
    best = nearest(snapshot, np.array(queries), NEAREST)
    shares = []
    for query, exact in zip(queries, best, strict=True):
        rows, _ = snapshot.dense.nearest(query, NEAREST)
        cosines = snapshot.dense.vectors(rows) @ query
        shares.append(float(np.mean(np.sort(cosines)[::-1] >= exact[-1] - 1e-6)))
        shares[-1] *= len(rows) / len(exact)
    return fmean(shares)


def nearest(snapshot: Snapshot, queries: Vectors, k: int) -> Vectors:
    """The k highest cosines of each query (q, dim) with the pooled vectors, falling: (q, k)."""
    best = np.full((len(queries), 0), -np.inf, dtype=np.float32)
    for start in range(0, len(snapshot.dense), ROWS):
        both = np.hstack([best, queries @ snapshot.dense.vectors(slice(start, start + ROWS)).T])
        best = -np.sort(-both, axis=1)[:, :k]
    return best


def searched(snapshot: Snapshot, query: Any) -> object:
    """The first passages of a question that has been encoded."""
    return find_candidates(snapshot, query).best(DEPTH)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work returns, and its milliseconds of CPU, the best of some turns: on a machine with
    other work they say more than the clock."""
    best = float("inf")
    for _ in range(TURNS):
        start = time.process_time()
        found = work()
        best = min(best, 1000 * (time.process_time() - start))
    return found, best


def main(index: str, questions: str = "") -> None:
    """Print the figures."""
    print(json.dumps(measure(Path(index), Path(questions) if questions else None)))


if __name__ == "__main__":
    main(*sys.argv[1:])
