"""The reference encoder, and the one for any other model: sentence-transformers on torch.

Importing this module imports torch, which takes seconds: `open` does so only when needed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils.logging import disable_progress_bar

from rag.encoders.base import Encoded, LocalModel, TextVectors, with_contexts, without_limits
from rag.encoders.bundled import ModelFiles, file_sha256
from rag.encoders.head import Vectors, project
from rag.types.errors import ModelError

LONGEST = 512
QUERY_PROMPTS = ("query",)
PASSAGE_PROMPTS = ("document", "passage", "corpus")


@dataclass(frozen=True, slots=True, eq=False)
class TorchEncoder(LocalModel):
    """Encodes each text alone, so that its vectors do not depend on others; one call at a time."""

    model: SentenceTransformer
    cut: Tokenizer
    query_prompt: str
    passage_prompt: str
    lock: Lock

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""
        return self.tokenizer.encode(text, add_special_tokens=False).offsets

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions, each read after the model's prompt for queries, if any."""
        return _encode(self, "query", self.query_prompt, texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after the model's prompt and its context."""
        return _encode(self, "document", self.passage_prompt, with_contexts(texts, contexts))


def find_model(model: str) -> ModelFiles:
    """The files of a model given by folder, or by name if it was downloaded before.

    The sha256 is over the digests of all its safetensors files. Nothing is fetched.
    """
    folder, name = Path(os.path.expanduser(model)).resolve(), model
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

    Its window is the model's own, at most that of `files`, less the prompt of passages. ModelError
    if the model has no fast tokenizer, or token vectors that are not as long as its pooled vectors.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    model = _load(files)
    whole, cut = _tokenizer(files, model), _tokenizer(files, model)
    window = min(files.window, model.max_seq_length or files.window)
    cut.enable_truncation(window)
    model.max_seq_length = window
    prompt = _prompt(model, PASSAGE_PROMPTS)
    encoder = TorchEncoder(
        name=files.name,
        sha256=files.sha256,
        precision="float32",
        dim=model.get_embedding_dimension() or 0,
        window=window - len(whole.encode(prompt, add_special_tokens=False).ids),
        tokenizer=whole,
        head=None,
        model=model,
        cut=cut,
        query_prompt=_prompt(model, QUERY_PROMPTS),
        passage_prompt=prompt,
        lock=Lock(),
    )
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
    """A copy of the model's tokenizer, which cannot be shared: each call changes its settings."""
    theirs = getattr(model.tokenizer, "backend_tokenizer", None)
    if theirs is None:
        raise ModelError(
            f"the model in {files.folder} has no fast tokenizer, which gives the places of "
            "tokens: choose one with a tokenizer.json"
        )
    return without_limits(Tokenizer.from_str(theirs.to_str()))


def _prompt(model: SentenceTransformer, names: Sequence[str]) -> str:
    """The model's prompt of the first of these names that it has, "" for none."""
    return next(filter(None, map(model.prompts.get, names)), "")


def _encode(encoder: TorchEncoder, task: str, prompt: str, texts: Sequence[str]) -> Encoded:
    with encoder.lock:
        return encoder.encoded([_encode_one(encoder, task, prompt, text) for text in texts])


def _encode_one(encoder: TorchEncoder, task: str, prompt: str, text: str) -> TextVectors:
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
    places = zip(pieces.special_tokens_mask, pieces.offsets, strict=True)
    own = [not special and (not prompt or end > len(prompt)) for special, (_, end) in places]
    return _unit(found["sentence_embedding"]), project(_unit(tokens[own]), encoder.head)


def _unit(vectors: torch.Tensor) -> Vectors:
    unit: Vectors = torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()
    return unit
