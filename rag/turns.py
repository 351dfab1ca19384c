"""An encoder that serves one caller at a time, whatever thread it is called from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.encoder import Encoded, WrappedEncoder


@dataclass(frozen=True, slots=True, eq=False)
class TurnsEncoder(WrappedEncoder):
    """The same encoder for answering and for opening a snapshot meanwhile: they take turns."""

    turn: threading.Lock = field(default_factory=threading.Lock)

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
