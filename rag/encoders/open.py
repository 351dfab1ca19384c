"""Opens the encoder that the settings name."""

from __future__ import annotations

from rag.encoders.base import Encoder
from rag.encoders.bundled import bundled_model
from rag.encoders.head import with_head
from rag.encoders.onnx import open_onnx_encoder
from rag.errors import ModelError

BUNDLED = "bundled"


def open_encoder(model: str, runtime: str, threads: int) -> Encoder:
    """The encoder for `bundled` (run by `onnx` or `torch`), or for a model by name or folder.

    A model by name or folder is always run by torch. A model that has a late-interaction head
    gets it. ModelError if it cannot be opened.
    """
    return with_head(_without_head(model, runtime, threads))


def _without_head(model: str, runtime: str, threads: int) -> Encoder:
    if model == BUNDLED and runtime == "onnx":
        return open_onnx_encoder(bundled_model(), threads)
    if model == BUNDLED and runtime != "torch":
        raise ModelError(f"the runtime is {runtime!r}: set RAG_RUNTIME to onnx or torch")
    # Imported only here: torch takes 5 to 15 seconds to import, and the bundled model needs none.
    from rag.encoders.sentence_transformer import find_model, open_torch_encoder

    files = bundled_model() if model == BUNDLED else find_model(model)
    return open_torch_encoder(files, threads)
