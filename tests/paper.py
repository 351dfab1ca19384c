"""An encoder that can be worked out on paper, and small corpora for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.build import build_snapshot
from rag.encoder import Encoded
from rag.snapshot import Snapshot

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class PaperEncoder:
    """Each word is a word piece; its vector is the unit vector of its first letter.

    What begins with no letter of a to z gets the last dimension. A text's pooled vector is the
    normalised sum of its words' vectors; without words, the last unit vector. Token vectors are
    the same, each number four times by half of it, as the store clips what is above a half.
    """

    name: str = "paper"
    sha256: str = "0" * 64
    head_sha256: str = ""
    dim: int = len(LETTERS) + 1
    token_dim: int = 4 * (len(LETTERS) + 1)
    window: int = 34

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        return self.encode_passages(texts, [""] * len(texts))

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        tokens = [
            np.array([self._unit(f"{context}\n{text}"[start]) for start, _ in pieces])
            .reshape(-1, self.dim)
            .astype(np.float32)
            for text, context in zip(texts, contexts, strict=True)
            for pieces in [self.word_pieces(f"{context}\n{text}")]
        ]
        spans = tuple(np.zeros((len(matrix), 2), dtype=np.int32) for matrix in tokens)
        pooled = np.array([self._pooled(matrix) for matrix in tokens])
        return Encoded(pooled, tuple(np.repeat(each / 2, 4, axis=1) for each in tokens), spans)

    def _unit(self, character: str) -> list[float]:
        at = LETTERS.find(character.lower())
        return [float(row == (at if at >= 0 else self.dim - 1)) for row in range(self.dim)]

    def _pooled(self, tokens: np.ndarray) -> np.ndarray:
        total = tokens.sum(axis=0) if len(tokens) else np.eye(self.dim, dtype=np.float32)[-1]
        return (total / np.linalg.norm(total)).astype(np.float32)


def corpus(folder: Path, **texts: str) -> Path:
    """A folder that holds each text as `<name>.md`."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def snapshot_of(folder: Path, **texts: str) -> Snapshot:
    """A snapshot of those texts, by the paper encoder."""
    return build_snapshot([corpus(folder, **texts)], PaperEncoder())
