"""The late-interaction head: a trained linear map that makes token vectors smaller and better.

    token vector float32 (dim,)  ->  token @ weights, L2-normalised again: float32 (size,)

It is trained for one model (`python -m eval.studies.train_head`; the card beside the weights says
from what), is kept as a safetensors file in `models/`, and is found by the hash of the model's
weights. A model without a head keeps its own token vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from rag.encoders.base import Encoded, Encoder, Vectors
from rag.encoders.bundled import DIGESTS, WEIGHTS
from rag.encoders.products import product
from rag.errors import ModelError

ROTATION_SEED = 0
# The head of each model, by the sha256 of the model's weights.
HEADS = {DIGESTS[WEIGHTS]: "all-MiniLM-L6-v2.late.safetensors"}


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The map, float32 (dim, size), and the sha256 of the file that it came in."""

    weights: Vectors
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class HeadedEncoder:
    """An encoder whose token vectors have gone through a head; all else is the encoder's own."""

    encoder: Encoder
    head: Head

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
        """The digest of the head's file, in hex."""
        return self.head.sha256

    @property
    def dim(self) -> int:
        """The length of each pooled vector."""
        return self.encoder.dim

    @property
    def token_dim(self) -> int:
        """The length of each token vector."""
        return int(self.head.weights.shape[1])

    @property
    def window(self) -> int:
        """The longest input in word pieces, special tokens included."""
        return self.encoder.window

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""
        return self.encoder.word_pieces(text)

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions."""
        return _through(self.head, self.encoder.encode_queries(texts))

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context ("" for none)."""
        return _through(self.head, self.encoder.encode_passages(texts, contexts))


def with_head(encoder: Encoder) -> Encoder:
    """The encoder with its model's head, or with a rotation if the model has none."""
    file = HEADS.get(encoder.sha256)
    head = read_head(file, encoder.dim) if file else Head(rotation(encoder.token_dim), "")
    return HeadedEncoder(encoder, head)


@cache
def rotation(dim: int) -> Vectors:
    """A fixed random rotation, float32 (dim, dim): cosines stay, components come to be alike.

    Some of a model's dimensions are far larger than the rest, and two bits cannot hold both.
    """
    drawn = np.random.default_rng(ROTATION_SEED).normal(size=(dim, dim))
    orthogonal, upper = np.linalg.qr(drawn)
    # With the signs of the diagonal it is unique, whatever library has computed it.
    turned: Vectors = (orthogonal * np.sign(np.diagonal(upper))).astype(np.float32)
    return turned


def read_head(file: str, dim: int) -> Head:
    """The head in a file of `models/`. Raises ModelError if it is missing or unfit."""
    try:
        raw = (files("rag.encoders") / "models" / file).read_bytes()
        weights = load(raw)["weights"]
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelError(f"the head {file} cannot be read ({error}): install rag anew") from error
    if weights.ndim != 2 or weights.shape[0] != dim or weights.dtype != np.float32:
        raise ModelError(
            f"the head {file} holds {weights.dtype} {weights.shape}, expected float32 "
            f"({dim}, size): install rag anew"
        )
    return Head(weights, hashlib.sha256(raw).hexdigest())


def _through(head: Head, encoded: Encoded) -> Encoded:
    return replace(
        encoded, tokens=tuple(project(tokens, head.weights) for tokens in encoded.tokens)
    )


def project(tokens: Vectors, weights: Vectors) -> Vectors:
    """Token vectors float32 (t, dim) through a map (dim, size): (t, size), rows L2-normalised."""
    mapped = product(tokens, weights)
    length = np.linalg.norm(mapped, axis=1, keepdims=True)
    result: Vectors = mapped / np.maximum(length, np.float32(1e-12))
    return result
