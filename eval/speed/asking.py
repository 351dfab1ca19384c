"""What a question costs beside dense and BM25 alone: `python -m eval.speed.asking DIR`.

On the sample corpus and on the collection in DIR, in BEIR layout, each with its own questions. The
ways take turns question by question, because speeds on a shared machine vary, but ratios hardly do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from eval.provenance import RESULTS, provenance, write_outcome
from eval.sets.beir import read_collection
from rag.answering import ask, encode_query, find_candidates
from rag.building import index_corpus
from rag.documents import json_lines, read_corpus
from rag.encoders import Encoder, open_encoder
from rag.index import Snapshot
from rag.types import ScoredPassage

SAMPLE = Path("corpus")
SAMPLE_QUESTIONS = Path("eval/car-t-lupus/questions.jsonl")
# Questions a corpus at most, and how often each is asked each way.
MOST = 50
ROUNDS = 5
TOP_K = 5
LIBRARIES = ("faiss-cpu", "numpy", "onnxruntime", "tokenizers")

Way = Callable[[str], object]


def search(
    snapshot: Snapshot,
    encoder: Encoder,
    question: str,
    weights: Mapping[str, float] | None = None,
    stretched: bool = False,
) -> list[ScoredPassage]:
    """The first passages as served, or by other weights, best first."""
    query = encode_query(question, encoder)
    return find_candidates(snapshot, query, weights=weights, stretched=stretched).best(TOP_K)


def ways(snapshot: Snapshot, encoder: Encoder) -> dict[str, Way]:
    """The ways to put a question; the first is the baseline of the ratios."""
    return {
        "dense+bm25": partial(
            search, snapshot, encoder, weights={"dense": 1, "bm25": 1}, stretched=True
        ),
        "search": partial(search, snapshot, encoder),
        "ask": partial(ask, snapshot, encoder, top_k=TOP_K),
    }


def seconds(ways: Mapping[str, Way], question: str) -> list[float]:
    """What each way takes for the question, one after the other."""
    taken = []
    for way in ways.values():
        start = time.perf_counter()
        way(question)
        taken.append(time.perf_counter() - start)
    return taken


def measure(snapshot: Snapshot, encoder: Encoder, questions: Sequence[str]) -> dict[str, Any]:
    """Median milliseconds of each way, and the median ratios to the first way, question by
    question."""
    compared = ways(snapshot, encoder)
    for question in questions:
        seconds(compared, question)
    taken = [seconds(compared, question) for _ in range(ROUNDS) for question in questions]
    return {
        "passages": len(snapshot.passages),
        "questions": len(questions),
        "milliseconds": _medians(compared, [[1000 * each for each in row] for row in taken]),
        "ratio": _medians(compared, [[each / row[0] for each in row] for row in taken]),
    }


def main(
    folder: Annotated[Path, typer.Argument(help="folder of a collection in BEIR layout")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "query_speed.json",
) -> None:
    """Measure what a question costs, on one thread."""
    encoder = open_encoder("bundled", "onnx", 1)
    collection = read_collection(folder)
    sample = [str(row["question"]) for _, row in json_lines(SAMPLE_QUESTIONS)]
    asked: Mapping[str, tuple[Path, Sequence[str]]] = {
        "sample corpus": (SAMPLE, sample),
        collection.name: (collection.corpus, list(collection.queries.values())),
    }
    made = provenance(f"python -m eval.speed.asking {folder}", encoder) | {
        "libraries": {name: version(name) for name in LIBRARIES},
        "rounds": ROUNDS,
    }
    corpora = {
        name: _measured(corpus, encoder, questions) for name, (corpus, questions) in asked.items()
    }
    write_outcome(out, made | {"corpora": corpora})
    print(out)


def _measured(corpus: Path, encoder: Encoder, questions: Sequence[str]) -> dict[str, Any]:
    snapshot = index_corpus(read_corpus([corpus]), encoder)
    found = measure(snapshot, encoder, questions[:MOST])
    return {"corpus_sha256": snapshot.manifest.corpus_sha256} | found


def _medians(ways: Mapping[str, Way], rows: Sequence[Sequence[float]]) -> dict[str, float]:
    return dict(zip(ways, map(median, zip(*rows, strict=True)), strict=True))


if __name__ == "__main__":
    typer.run(main)
