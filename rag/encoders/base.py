"""What an encoder is: texts in, one pooled vector and one vector a token out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Vectors = NDArray[np.float32]

# The piece that stands for what has no other, as BERT's tokenizers and SentencePiece call it.
UNKNOWN = ("[UNK]", "<unk>")


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The vectors of n texts, in their order.

    `pooled` is float32 (n, dim); `tokens` holds for each text float32 (t, token_dim); the rows of
    both are L2-normalised. The special tokens round a text are left out, so a blank text has t = 0,
    yet a pooled vector.
    """

    pooled: Vectors
    tokens: tuple[Vectors, ...]


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
    def dim(self) -> int:
        """The length of each pooled vector."""

    @property
    def token_dim(self) -> int:
        """The length of each token vector."""

    @property
    def window(self) -> int:
        """The longest input in word pieces, special tokens included; the rest is cut off."""

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""

    def unknown(self, text: str) -> list[int]:
        """Which of the text's `word_pieces`, by position, stand for characters it does not know."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context ("" for none)."""


def with_context(context: str, text: str) -> str:
    """What the model reads of a passage."""
    return f"{context}\n{text}" if context else text


def unknown_pieces(tokenizer: Tokenizer, text: str) -> list[int]:
    """Which word pieces of a text, by position, are the tokenizer's piece for unknown characters.

    A tokenizer that knows every byte has no such piece.
    """
    ids = {tokenizer.token_to_id(name) for name in UNKNOWN}
    pieces = tokenizer.encode(text, add_special_tokens=False).ids
    return [at for at, piece in enumerate(pieces) if piece in ids]
