"""An encoder that serves one caller at a time, whatever thread it is called from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.encoder import Encoded, Encoder


@dataclass(frozen=True, slots=True, eq=False)
class TurnsEncoder:
    """The same encoder for answering and for opening a snapshot meanwhile: they take turns."""

    encoder: Encoder
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.encoder.name

    @property
    def sha256(self) -> str:
        """The digest of the model's weights, in hex."""
        return self.encoder.sha256

    @property
    def head_sha256(self) -> str:
        """The digest of the late-interaction head, in hex; "" for none."""
        return self.encoder.head_sha256

    @property
    def dim(self) -> int:
        """The length of each pooled vector."""
        return self.encoder.dim

    @property
    def token_dim(self) -> int:
        """The length of each token vector."""
        return self.encoder.token_dim

    @property
    def window(self) -> int:
        """The longest input in word pieces, special tokens included."""
        return self.encoder.window

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the text."""
        with self.turn:
            return self.encoder.word_pieces(text)

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions."""
        with self.turn:
            return self.encoder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context."""
        with self.turn:
            return self.encoder.encode_passages(texts, contexts)
