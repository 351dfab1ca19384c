"""An encoder that can be worked out on paper, and small corpora for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.linalg import hadamard

from rag.encoders.base import Encoded
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import KEPT, step
from support.builds import build_snapshot

LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Two Hadamard matrices side by side, stored as levels of 3/2 and of 1/2 steps, and in such numbers
# that the product of a row with what is stored of it is 1, and of any other 0.
LARGE, SMALL = 127, 29
LENGTH = KEPT[2] / (32 * step(64) * (1.5 * LARGE + 0.5 * SMALL))
TOKENS = (LENGTH * np.hstack([LARGE * hadamard(32), SMALL * hadamard(32)])).astype(np.float32)


@dataclass(frozen=True)
class LetterEncoder:
    """Each word is a word piece; its vector is the unit vector of its first letter.

    What begins with no letter of a to z gets the last dimension. A text's pooled vector is the
    normalised sum of its words' vectors; without words, the last unit vector. A token vector is the
    row of its letter in `TOKENS`: the late interaction of a letter with itself is 1, else 0.
    """

    name: str = "paper"
    sha256: str = "0" * 64
    head_sha256: str = ""
    precision: Literal["int8", "float32"] = "float32"
    passages_by: str = ""
    dim: int = len(LETTERS) + 1
    token_dim: int = 64
    window: int = 34

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]

    def unknown(self, text: str) -> list[int]:
        return []

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        return self.encode_passages(texts, [""] * len(texts))

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        letters = [
            [self._letter(f"{context}\n{text}"[start]) for start, _ in pieces]
            for text, context in zip(texts, contexts, strict=True)
            for pieces in [self.word_pieces(f"{context}\n{text}")]
        ]
        pooled = np.array([self._pooled(each) for each in letters])
        return Encoded(pooled, tuple(TOKENS[each].reshape(-1, 64) for each in letters))

    def _letter(self, character: str) -> int:
        at = LETTERS.find(character.lower())
        return at if at >= 0 else self.dim - 1

    def _pooled(self, letters: list[int]) -> np.ndarray:
        total = np.eye(self.dim, dtype=np.float32)[letters or [self.dim - 1]].sum(axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)


def corpus(folder: Path, **texts: str) -> Path:
    """A folder that holds each text as `<name>.md`."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def snapshot_of(folder: Path, **texts: str) -> Snapshot:
    """A snapshot of those texts, by the letter encoder."""
    return build_snapshot([corpus(folder, **texts)], LetterEncoder())


@dataclass(frozen=True)
class LatinOnly(LetterEncoder):
    """Knows no word that begins with another letter than a to z."""

    def unknown(self, text: str) -> list[int]:
        return [
            at
            for at, (start, _) in enumerate(self.word_pieces(text))
            if text[start].isalnum() and text[start].lower() not in LETTERS
        ]


@dataclass(frozen=True)
class Counting(LetterEncoder):
    """Keeps the (context, text) of every passage that it encodes, in order."""

    seen: list[tuple[str, str]] = field(default_factory=list)

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        return LetterEncoder().encode_queries(texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        self.seen.extend(zip(contexts, texts, strict=True))
        return LetterEncoder().encode_passages(texts, contexts)
