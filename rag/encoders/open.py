"""Opens the encoder that the settings name."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from threadpoolctl import threadpool_limits

from rag.encoders.base import Encoder
from rag.encoders.bundled import bundled_model
from rag.encoders.head import with_head
from rag.encoders.onnx import open_onnx_encoder
from rag.errors import ModelError

BUNDLED = "bundled"


def open_encoder(model: str, runtime: str, threads: int) -> Encoder:
    """The encoder for `bundled` (run by `onnx` or `torch`), or for a model by name or folder.

    A model by name or folder is always run by torch. A model that has a late-interaction head
    gets it. ModelError where it cannot be opened.
    """
    # Late interaction and the head multiply small matrices. With more threads BLAS spins instead
    # of working, and sums in an order, so to a last bit, that depends on their number.
    threadpool_limits(limits=1, user_api="blas")
    return with_head(open_bare(model, runtime, threads))


def open_bare(model: str, runtime: str, threads: int) -> Encoder:
    """`open_encoder` without a head: the token vectors are the model's own."""
    if model == BUNDLED and runtime == "onnx":
        return open_onnx_encoder(bundled_model(), threads)
    if model == BUNDLED and runtime != "torch":
        raise ModelError(f"the runtime is {runtime!r}: set RAG_RUNTIME to onnx or torch")
    # torch's waiting threads spin, which on busy cores makes it ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A model by name is one that was downloaded before; nothing is looked up or fetched.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # It makes this folder as it is imported, by default beside the temporary files.
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(caches) / "rag" / "torch"))
    # Imported only here: torch takes 5 to 15 seconds to import and the bundled model needs none.
    torch_encoder = import_module("rag.encoders.sentence_transformer")
    files = bundled_model() if model == BUNDLED else torch_encoder.find_model(model)
    opened: Encoder = torch_encoder.open_torch_encoder(files, threads)
    return opened
