"""The encoder beside sentence-transformers as it encodes by default, and beside the reference.

The first texts of a corpus.jsonl in BEIR layout, cut to about 120 word pieces, are the passages.
Speeds on a shared machine vary: the encoders take turns, and the ratio of each turn counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
from sentence_transformers import SentenceTransformer

from eval.speed.figures import ratio
from rag.encoders import Encoder, bundled_model, open_encoder

PASSAGES = 200
PIECES = 120
QUERY = "Which procedure collects the T cells from the patient?"
QUERIES = 50
ROUNDS = 3
THREADS = 2
# As sentence-transformers encodes unless told otherwise.
DEFAULT = "torch, batches of 32"


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


def encoders(
    passages: Sequence[str], onnx: Encoder, device: Encoder | None
) -> dict[str, tuple[Callable[[], object], ...]]:
    """For each encoder, the work on all passages and on one query."""
    torch = open_encoder("bundled", "torch", THREADS)
    batches = SentenceTransformer(str(bundled_model().folder), device="cpu")
    empty = [""] * len(passages)
    found: dict[str, tuple[Callable[[], object], ...]] = {
        f"onnx, {onnx.precision}": (
            lambda: onnx.encode_passages(passages, empty),
            lambda: onnx.encode_queries([QUERY]),
        ),
        f"torch, {torch.precision}, text by text": (
            lambda: torch.encode_passages(passages, empty),
            lambda: torch.encode_queries([QUERY]),
        ),
        DEFAULT: (
            lambda: batches.encode(list(passages), batch_size=32),
            lambda: batches.encode([QUERY]),
        ),
    }
    if device:
        found[device.passages_by] = (
            lambda: device.encode_passages(passages, empty),
            lambda: device.encode_queries([QUERY]),
        )
    return found


def agreement(device: Encoder, reference: Encoder, texts: Sequence[str]) -> dict[str, object]:
    """Whether company changes no bit of a text, and the least cosine to the reference."""
    empty = [""] * len(texts)
    made = device.encode_passages(texts, empty)
    turned = device.encode_passages(texts[::-1], empty)
    alone = device.encode_passages(texts[:1], [""])
    pooled = [made.pooled, turned.pooled[::-1]]
    tokens = [
        *zip(made.tokens, turned.tokens[::-1], strict=True),
        (made.tokens[0], alone.tokens[0]),
    ]
    expected = reference.encode_passages(texts, empty).pooled
    return {
        "encoder": device.passages_by,
        "same_bits": all(np.array_equal(left, right) for left, right in (pooled, *tokens)),
        "least_cosine": float((made.pooled * expected).sum(axis=1).min()),
    }


def measure(
    folder: Path,
    onnx: Encoder,
    most: int = PASSAGES,
    rounds: int = ROUNDS,
    device: Encoder | None = None,
) -> dict[str, dict[str, float]]:
    """Passages a second, times those of `DEFAULT`, and ms a query: medians of the rounds."""
    passages = read_passages(folder, onnx, most)
    works = encoders(passages, onnx, device)
    many: dict[str, list[float]] = {name: [] for name in works}
    one: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (all_passages, query) in works.items():
            many[name].append(seconds(all_passages))
            one[name].append(median(seconds(query) for _ in range(QUERIES)))
    return {
        name: {
            "passages_per_second": round(len(passages) / median(many[name]), 1),
            "times_default": round(ratio(many[DEFAULT], many[name])["median"], 2),
            "query_ms": round(1000 * median(one[name]), 2),
        }
        for name in works
    }
