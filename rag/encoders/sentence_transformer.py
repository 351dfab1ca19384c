"""The reference encoder, and the one for any other model: sentence-transformers on torch.

Importing this module imports torch, which takes seconds: `open` does so only when needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils.logging import disable_progress_bar

from rag.encoders.base import Encoded, Vectors, unknown_pieces, with_context
from rag.encoders.bundled import ModelFiles, file_sha256
from rag.encoders.head import Head, project
from rag.errors import ModelError

LONGEST = 512
QUERY_PROMPTS = ("query",)
PASSAGE_PROMPTS = ("document", "passage", "corpus")


@dataclass(frozen=True, slots=True, eq=False)
class TorchEncoder:
    """Encodes each text alone, so that its vectors do not depend on others; one call at a time."""

    name: str
    sha256: str
    dim: int
    window: int
    model: SentenceTransformer
    whole: Tokenizer
    cut: Tokenizer
    lock: Lock
    head: Head | None = None

    @property
    def token_dim(self) -> int:
        """The length of each token vector."""
        return self.dim if self.head is None else self.head.weights.shape[1]

    @property
    def head_sha256(self) -> str:
        """The digest of the late-interaction head, in hex; "" for none."""
        return "" if self.head is None else self.head.sha256

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""
        return self.whole.encode(text, add_special_tokens=False).offsets

    def unknown(self, text: str) -> list[int]:
        """Which of the text's word pieces, by position, stand for characters it does not know."""
        return unknown_pieces(self.whole, text)

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions, each read after the model's prompt for queries, if any."""
        return _encode(self, "query", QUERY_PROMPTS, texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after the model's prompt and its context."""
        inputs = [with_context(*pair) for pair in zip(contexts, texts, strict=True)]
        return _encode(self, "document", PASSAGE_PROMPTS, inputs)


def find_model(model: str) -> ModelFiles:
    """The files of a model given by folder, or by name if it was downloaded before.

    The sha256 is over the digests of all its safetensors files. Nothing is fetched.
    """
    folder, name = Path(model).expanduser().resolve(), model
    if folder.is_dir():
        name = folder.name
    else:
        folder = _downloaded(model)
    weights = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors"))
    if not weights:
        raise ModelError(f"{folder} holds no *.safetensors file: convert the model's weights first")
    _refuse_pickles(folder)
    lines = [f"{file_sha256(folder / path)}  {path}\n" for path in weights]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return ModelFiles(folder, name, digest, LONGEST)


def _refuse_pickles(folder: Path) -> None:
    """Raises ModelError for a part of the model that is stored as a pickle only."""
    for path in sorted(folder.rglob("pytorch_model*.bin")):
        if not any(path.parent.glob("*.safetensors")):
            raise ModelError(f"{path} is a pickle, which is never read: convert it to safetensors")


def _downloaded(model: str) -> Path:
    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as exc:
        raise ModelError(
            f"the model {model!r} is neither a folder nor a downloaded model: "
            f"run `hf download {model}` once, or set RAG_MODEL to `bundled` or to a folder"
        ) from exc


def open_torch_encoder(files: ModelFiles, threads: int) -> TorchEncoder:
    """An encoder that sentence-transformers runs with that many threads, process-wide.

    Its window is the model's own, at most that of `files`. ModelError if the model has no fast
    tokenizer, or token vectors that are not as long as its pooled vectors.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    model = _load(files)
    whole, cut = _tokenizer(files, model), _tokenizer(files, model)
    window = min(files.window, model.max_seq_length or files.window)
    cut.enable_truncation(window)
    model.max_seq_length = window
    dim = model.get_embedding_dimension() or 0
    encoder = TorchEncoder(files.name, files.sha256, dim, window, model, whole, cut, Lock())
    encoder.encode_passages(["probe"], [""])
    return encoder


def _load(files: ModelFiles) -> SentenceTransformer:
    try:
        return SentenceTransformer(
            str(files.folder),
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as exc:
        raise ModelError(
            f"sentence-transformers cannot open {files.folder} ({' '.join(str(exc).split())}): "
            "fetch the model again, or set RAG_MODEL to `bundled`"
        ) from exc


def _tokenizer(files: ModelFiles, model: SentenceTransformer) -> Tokenizer:
    """A tokenizer of our own: the model's is set up anew by each call, so it cannot be shared."""
    theirs = getattr(model.tokenizer, "backend_tokenizer", None)
    if theirs is None:
        raise ModelError(
            f"the model in {files.folder} has no fast tokenizer, which gives the places of "
            "tokens: choose one with a tokenizer.json"
        )
    ours = Tokenizer.from_str(theirs.to_str())
    ours.no_padding()
    ours.no_truncation()
    return ours


def _encode(
    encoder: TorchEncoder, task: str, names: Sequence[str], texts: Sequence[str]
) -> Encoded:
    prompts = encoder.model.prompts
    prompt = next(filter(None, map(prompts.get, names)), "")
    with encoder.lock:
        rows = [_encode_one(encoder, task, prompt, text) for text in texts]
    pooled = np.array([row[0] for row in rows], np.float32).reshape(-1, encoder.dim)
    return Encoded(pooled, tuple(row[1] for row in rows))


def _encode_one(
    encoder: TorchEncoder, task: str, prompt: str, text: str
) -> tuple[Vectors, Vectors]:
    found = encoder.model.encode(
        text, prompt=prompt, output_value=None, show_progress_bar=False, task=task
    )
    pieces = encoder.cut.encode(prompt + text)
    tokens = found.get("token_embeddings", torch.empty(0))
    if tokens.shape != (len(pieces.ids), encoder.dim):
        raise ModelError(
            f"the model {encoder.name} gives token vectors of shape {tuple(tokens.shape)}, "
            f"expected {(len(pieces.ids), encoder.dim)}: choose a model with one vector a token, "
            "as long as its pooled vector"
        )
    own = [place for place, special in enumerate(pieces.special_tokens_mask) if not special]
    return _unit(found["sentence_embedding"]), project(_unit(tokens[own]), encoder.head)


def _unit(vectors: torch.Tensor) -> Vectors:
    unit: Vectors = torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()
    return unit
