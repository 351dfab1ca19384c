"""The letter encoder with token vectors as long as pooled ones, as the real model has them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag.encoders.base import Encoded, Vectors
from support.letter_encoder import LetterEncoder


class SquareEncoder(LetterEncoder):
    """A token's vector is the unit vector of its first letter, as is the word's pooled alone."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context."""
        tokens = [
            self._tokens(f"{context}\n{text}")
            for text, context in zip(texts, contexts, strict=True)
        ]
        return replace(super().encode_passages(texts, contexts), tokens=tuple(tokens))

    def _tokens(self, text: str) -> Vectors:
        words = [text[start:end] for start, end in self.word_pieces(text)]
        vectors: Vectors = super().encode_passages(words, [""] * len(words)).pooled
        return vectors.reshape(-1, self.dim).astype(np.float32)
