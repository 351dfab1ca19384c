"""Opens the encoder that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rag.encoders.base import Encoder
from rag.encoders.bundled import bundled_model
from rag.encoders.head import head_of
from rag.encoders.onnx import open_onnx_encoder
from rag.types.errors import ModelError

if TYPE_CHECKING:
    from rag.encoders.sentence_transformer import TorchEncoder

BUNDLED = "bundled"


def open_encoder(model: str, runtime: str, threads: int, device: str = "") -> Encoder:
    """The encoder for `bundled` (run by `onnx` or `torch`), or for a model by name or folder.

    A model by name or folder is always run by torch. A model that has a late-interaction head
    gets it. With a `device`, such as `cuda`, torch encodes passages there in float32, and questions
    are encoded as without. ModelError if it cannot be opened.
    """
    if device:
        return _on_device(open_encoder(model, runtime, threads), model, threads, device)
    if model == BUNDLED and runtime == "onnx":
        onnx = open_onnx_encoder(bundled_model(), threads)
        return replace(onnx, head=head_of(onnx.sha256, onnx.dim))
    if model == BUNDLED and runtime != "torch":
        raise ModelError(f"the runtime is {runtime!r}: set RAG_RUNTIME to onnx or torch")
    return _open_torch(model, threads, "")


def _on_device(questions: Encoder, model: str, threads: int, device: str) -> Encoder:
    torch = _open_torch(model, threads, device)
    return replace(torch, questions=questions, precision=questions.precision)


def _open_torch(model: str, threads: int, device: str) -> TorchEncoder:
    # Imported only here: torch takes 5 to 15 seconds to import, and the bundled model needs none.
    try:
        from rag.encoders.sentence_transformer import find_model, open_torch_encoder
    except ModuleNotFoundError as error:
        raise ModelError(
            f"RAG_DEVICE, RAG_RUNTIME=torch and other models than the bundled one require "
            f"{error.name}, which is not installed: run `pip install torch sentence-transformers`"
        ) from error
    files = bundled_model() if model == BUNDLED else find_model(model)
    torch = open_torch_encoder(files, threads, device)
    return replace(torch, head=head_of(torch.sha256, torch.dim))


def begin_opening(model: str, runtime: str, threads: int) -> Callable[[], Encoder]:
    """Opens the encoder in a thread; the function waits for it, and raises what opening raised.

    Most of it is native code, which runs beside the imports of a service. A model that torch runs
    is opened by the function: a process that fails meanwhile would wait for torch's import.
    """
    opening = partial(open_encoder, model, runtime, threads)
    if (model, runtime) != (BUNDLED, "onnx"):
        return opening
    with_one = ThreadPoolExecutor(1, "open")
    begun = with_one.submit(opening)
    with_one.shutdown(wait=False)
    return begun.result
