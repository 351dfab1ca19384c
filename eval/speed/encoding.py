"""How fast the encoders are compared with each other: `python -m eval.speed.encoding DIR`.

DIR holds a corpus.jsonl in BEIR layout; its first texts, cut to about 120 word pieces, are the
passages. Speeds on a shared machine vary, so the encoders take turns and ratios are reported.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from sentence_transformers import SentenceTransformer

from eval.provenance import RESULTS, provenance, write_outcome
from rag.encoders import Encoder, bundled_model, file_sha256, open_encoder

PASSAGES = 200
PIECES = 120
QUERY = "Which procedure collects the T cells from the patient?"
QUERIES = 50
ROUNDS = 3
THREADS = 2
LIBRARIES = ("onnxruntime", "torch", "sentence-transformers")


def read_passages(folder: Path, encoder: Encoder, most: int = PASSAGES) -> list[str]:
    """The first texts of at least PIECES word pieces, each cut after that many."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as file:
        texts = (json.loads(line)["text"] for line in file)
        places = ((text, encoder.word_pieces(text)) for text in texts)
        cut = (text[: place[PIECES - 1][1]] for text, place in places if len(place) >= PIECES)
        return list(islice(cut, most))


def seconds(work: Callable[[], object]) -> float:
    """The time that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def encoders(passages: Sequence[str], onnx: Encoder) -> dict[str, tuple[Callable[[], object], ...]]:
    """For each encoder, the work on all passages and on one query."""
    torch = open_encoder("bundled", "torch", THREADS)
    batches = SentenceTransformer(str(bundled_model().folder), device="cpu")
    empty = [""] * len(passages)
    return {
        "onnx": (
            lambda: onnx.encode_passages(passages, empty),
            lambda: onnx.encode_queries([QUERY]),
        ),
        "torch, text by text": (
            lambda: torch.encode_passages(passages, empty),
            lambda: torch.encode_queries([QUERY]),
        ),
        "torch, batches of 32": (
            lambda: batches.encode(list(passages), batch_size=32),
            lambda: batches.encode([QUERY]),
        ),
    }


def measure(
    folder: Path, onnx: Encoder, most: int = PASSAGES, turns: int = ROUNDS
) -> dict[str, object]:
    """Passages a second and milliseconds a query for each encoder: medians of the turns."""
    passages = read_passages(folder, onnx, most)
    works = encoders(passages, onnx)
    rounds = [
        {
            name: (seconds(many), median(seconds(one) for _ in range(QUERIES)))
            for name, (many, one) in works.items()
        }
        for _ in range(turns)
    ]
    return {
        name: {
            "passages_per_second": round(len(passages) / median(r[name][0] for r in rounds), 1),
            "query_ms": round(1000 * median(r[name][1] for r in rounds), 2),
        }
        for name in works
    }


def main(
    folder: Annotated[Path, typer.Argument(help="folder with a corpus.jsonl in BEIR layout")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "encoder.json",
) -> None:
    """Measure how fast the encoders are."""
    encoder = open_encoder("bundled", "onnx", THREADS)
    made = provenance(f"python -m eval.speed.encoding {folder}", encoder) | {
        "corpus_sha256": file_sha256(folder / "corpus.jsonl"),
        "libraries": {name: version(name) for name in LIBRARIES},
        "threads": THREADS,
        "passages": PASSAGES,
        "word_pieces": PIECES,
    }
    write_outcome(out, made | {"encoders": measure(folder, encoder)})
    print(out)


if __name__ == "__main__":
    typer.run(main)
