"""Texts become vectors."""

from rag.encoders.base import Encoder
from rag.encoders.bundled import bundled_model, file_sha256
from rag.encoders.open import open_encoder

__all__ = [
    "Encoder",
    "bundled_model",
    "file_sha256",
    "open_encoder",
]
