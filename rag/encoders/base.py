"""What an encoder is: texts in, one pooled vector and one vector a token out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from tokenizers import Tokenizer

from rag.encoders.head import Head, Vectors

# The piece that stands for what has no other, as BERT's tokenizers and SentencePiece call it.
UNKNOWN = ("[UNK]", "<unk>")

Precision = Literal["int8", "float32"]

# The vectors of one text: pooled (dim,), and one a token (t, token_dim).
TextVectors = tuple[Vectors, Vectors]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The vectors of n texts, in their order.

    `pooled` is float32 (n, dim); `tokens` holds for each text float32 (t, token_dim); the rows of
    both are L2-normalised. The tokens of a model's prompt and special tokens are left out, so a
    blank text has t = 0 and still a pooled vector. `unknown` has what `Encoder.unknown` gives of
    each text, if that is known without reading the texts again.
    """

    pooled: Vectors
    tokens: tuple[Vectors, ...]
    unknown: tuple[Sequence[int], ...] | None = None


class Encoder(Protocol):
    """Turns texts into vectors; a text's vectors do not depend on the texts beside it."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def sha256(self) -> str:
        """The digest of the model's weights, in hex."""

    @property
    def head_sha256(self) -> str:
        """The digest of the late-interaction head, in hex; "" for none."""

    @property
    def precision(self) -> Precision:
        """What linear layers multiply."""

    @property
    def passages_by(self) -> str:
        """What encodes passages, if it is another encoder than that of questions; else ""."""

    @property
    def dim(self) -> int:
        """The length of each pooled vector."""

    @property
    def token_dim(self) -> int:
        """The length of each token vector."""

    @property
    def window(self) -> int:
        """The longest passage in word pieces, special tokens included; the rest is cut off."""

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""

    def unknown(self, text: str) -> list[int]:
        """Which of the text's `word_pieces`, by position, stand for characters it does not know."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context ("" for none)."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalModel:
    """What the encoders that run here have in common: model, tokenizer and late-interaction head.

    The tokenizer neither pads nor cuts.
    """

    name: str
    sha256: str
    precision: Precision
    passages_by: str
    dim: int
    window: int
    tokenizer: Tokenizer
    head: Head | None

    @property
    def token_dim(self) -> int:
        """The length of each token vector."""
        return self.dim if self.head is None else self.head.weights.shape[1]

    @property
    def head_sha256(self) -> str:
        """The digest of the late-interaction head, in hex; "" for none."""
        return "" if self.head is None else self.head.sha256

    def unknown(self, text: str) -> list[int]:
        """Which of the text's word pieces, by position, stand for characters it does not know.

        A tokenizer that knows every byte has no such piece.
        """
        return self.unknown_of(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def unknown_of(self, pieces: Sequence[int]) -> list[int]:
        """The same, given the ids of the word pieces."""
        ids = {self.tokenizer.token_to_id(name) for name in UNKNOWN}
        return [at for at, piece in enumerate(pieces) if piece in ids]

    def encoded(
        self, rows: Sequence[TextVectors], unknown: tuple[Sequence[int], ...] | None = None
    ) -> Encoded:
        """The vectors of several texts."""
        pooled = np.array([pooled for pooled, _ in rows], np.float32).reshape(-1, self.dim)
        return Encoded(pooled, tuple(tokens for _, tokens in rows), unknown)


def with_contexts(texts: Sequence[str], contexts: Sequence[str]) -> list[str]:
    """What the model reads of passages: each after its context, "" for none."""
    pairs = zip(contexts, texts, strict=True)
    return [f"{context}\n{text}" if context else text for context, text in pairs]


def without_limits(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, set to neither pad nor cut."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
