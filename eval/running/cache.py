"""A cache of vectors on disk, by the hash of their inputs, so that a second run does not encode."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.sets.beir import documents
from rag.building import index_corpus
from rag.documents import ReadOptions, read_corpus
from rag.encoders import Encoder
from rag.index import ModelInfo, Snapshot, made_with
from rag.store import open_current, publish, writing
from rag.types import Progress
from rag.types.errors import UnusableIndex

BATCH = 64

Vectors = npt.NDArray[np.float32]


def digest(*parts: str) -> str:
    """A sha256 over the parts, 24 hexadecimal digits; it differs for other divisions into parts."""
    whole = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        whole.update(len(raw).to_bytes(8, "big") + raw)
    return whole.hexdigest()[:24]


def document_vectors(
    corpus: Path, encoder: Encoder, folder: Path, progress: Progress
) -> tuple[list[str], list[str], Vectors]:
    """Ids and texts (title, then text) of a corpus.jsonl, and float32 (n, dim), a row each.

    The model cuts a text at its window, as for the published figures.
    """
    listed = [(id, f"{title} {text}".strip()) for id, title, text in documents(corpus)]
    texts = [text for _, text in listed]
    vectors = cached(
        folder / f"{digest(repr(ModelInfo.of(encoder)), *texts)}.npy",
        lambda: encode(texts, encoder, progress),
    )
    return [id for id, _ in listed], texts, vectors


def cached(path: Path, make: Callable[[], Vectors]) -> Vectors:
    """The vectors in the file; if it is missing or cannot be read, makes and writes them."""
    try:
        kept: Vectors = np.load(path, allow_pickle=False)
        return kept
    except (OSError, ValueError, EOFError):
        made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    with aside.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    os.replace(aside, path)
    return made


def encode(texts: Sequence[str], encoder: Encoder, progress: Progress) -> Vectors:
    """The pooled vectors of the texts, float32 (n, dim), rows L2-normalised."""
    rows = []
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        rows.append(encoder.encode_passages(batch, [""] * len(batch)).pooled)
        progress("documents encoded", start + len(batch), len(texts))
    return np.concatenate(rows)


def served_snapshot(corpus: Path, encoder: Encoder, folder: Path, progress: Progress) -> Snapshot:
    """The snapshot that `rag build` makes of a corpus.jsonl, kept below the folder.

    Its folder is named after the file's content, the model, the recipe and the software.
    """
    content = hashlib.sha256(corpus.read_bytes()).hexdigest()
    index = folder / digest(content, repr(made_with(encoder, "with")))
    try:
        return open_current(index, encoder)
    except UnusableIndex:
        snapshot = index_corpus(
            read_corpus([corpus], options=ReadOptions(strict=True)), encoder, progress=progress
        )
    with writing(index):
        publish(index, snapshot, encoder)
    return open_current(index, encoder)
