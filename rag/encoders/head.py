"""The late-interaction head: a trained linear map that makes token vectors smaller and better.

    token vector float32 (dim,)  ->  token @ weights, L2-normalised again: float32 (size,)

It is trained for one model (`python -m eval.studies.train_head`; the card beside the weights says
from what), is kept as a safetensors file in `models/`, and is found by the hash of the model's
weights. Another model's token vectors are only rotated.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from rag.encoders.bundled import DIGESTS, WEIGHTS
from rag.encoders.products import product
from rag.types.errors import ModelError

Vectors = npt.NDArray[np.float32]

ROTATION_SEED = 0
# The head of each model, by the sha256 of the model's weights.
HEADS = {DIGESTS[WEIGHTS]: "all-MiniLM-L6-v2.late.safetensors"}


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The map, float32 (dim, size), and the sha256 of the file that it came in."""

    weights: Vectors
    sha256: str


def head_of(sha256: str, dim: int) -> Head:
    """The head of the model with these weights, or a rotation if the model has none."""
    file = HEADS.get(sha256)
    return read_head(file, dim) if file else Head(rotation(dim), "")


@cache
def rotation(dim: int) -> Vectors:
    """A fixed random rotation, float32 (dim, dim): it keeps cosines and makes components alike.

    Some of a model's dimensions are far larger than the rest, and two bits cannot hold both.
    """
    drawn = np.random.default_rng(ROTATION_SEED).normal(size=(dim, dim))
    orthogonal, upper = np.linalg.qr(drawn)
    # With the signs of the diagonal it is unique, with any library.
    turned: Vectors = (orthogonal * np.sign(np.diagonal(upper))).astype(np.float32)
    return turned


def read_head(file: str, dim: int) -> Head:
    """The head in a file of `models/`. Raises ModelError if it is missing or unfit."""
    try:
        raw = (files("rag.encoders") / "models" / file).read_bytes()
        weights = load(raw)["weights"]
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelError(f"the head {file} cannot be read ({error}): install rag again") from error
    if weights.ndim != 2 or weights.shape[0] != dim or weights.dtype != np.float32:
        raise ModelError(
            f"the head {file} holds {weights.dtype} {weights.shape}, expected float32 "
            f"({dim}, size): install rag again"
        )
    return Head(weights, hashlib.sha256(raw).hexdigest())


def project(tokens: Vectors, head: Head | None) -> Vectors:
    """Token vectors float32 (t, dim) through a head: (t, size), rows L2-normalised."""
    if head is None:
        return tokens
    mapped = product(tokens, head.weights)
    length = np.sqrt(np.sum(mapped * mapped, axis=1, keepdims=True))
    result: Vectors = mapped / np.maximum(length, np.float32(1e-12))
    return result
