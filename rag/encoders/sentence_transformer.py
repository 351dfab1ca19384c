"""The reference encoder, and the one for any other model: sentence-transformers on torch.

On a device, such as a GPU, it encodes passages in batches.

Importing this module imports torch, which takes seconds: `open` does so only when needed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Encoding, Tokenizer
from transformers.utils.logging import disable_progress_bar

from rag.encoders.base import (
    Encoded,
    Encoder,
    LocalModel,
    TextVectors,
    with_contexts,
    without_limits,
)
from rag.encoders.bundled import ModelFiles, file_sha256
from rag.encoders.head import Vectors
from rag.types.errors import ModelError

LONGEST = 512
QUERY_PROMPTS = ("query",)
PASSAGE_PROMPTS = ("document", "passage", "corpus")
# Texts in a batch on a device: on a GPU as many as a build hands over.
ROWS = {"cuda": 64, "cpu": 8}


@dataclass(frozen=True, slots=True, eq=False)
class TorchEncoder(LocalModel):
    """Encodes texts so that the vectors of each do not depend on the others; one call at a time.

    Either each text alone (`rows` is 1), or batches that are all filled up to `rows` texts of a
    whole window: products of matrices of one shape add in one order, so a text's bits are the same
    in any company. `questions` encodes the questions in its place, if it is not None.
    """

    rows: int
    questions: Encoder | None
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
        if self.questions:
            return self.questions.encode_queries(texts)
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


def open_torch_encoder(files: ModelFiles, threads: int, device: str = "") -> TorchEncoder:
    """An encoder that sentence-transformers runs with that many threads, process-wide.

    It encodes texts alone on the CPU, or in batches on the `device` if one is named.
    Its window is the model's own, at most that of `files`, less the prompt of passages. ModelError
    if the model has no fast tokenizer, or token vectors that are not as long as its pooled vectors.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    passages_by = _described(device) if device else ""
    model = _load(files, device or "cpu")
    whole, cut = _tokenizer(files, model), _tokenizer(files, model)
    window = min(files.window, model.max_seq_length or files.window)
    cut.enable_truncation(window)
    model.max_seq_length = window
    prompt = _prompt(model, PASSAGE_PROMPTS)
    encoder = TorchEncoder(
        name=files.name,
        sha256=files.sha256,
        precision="float32",
        passages_by=passages_by,
        dim=model.get_embedding_dimension() or 0,
        window=window - len(whole.encode(prompt, add_special_tokens=False).ids),
        tokenizer=whole,
        head=None,
        rows=ROWS[device.split(":")[0]] if device else 1,
        questions=None,
        model=model,
        cut=cut,
        query_prompt=_prompt(model, QUERY_PROMPTS),
        passage_prompt=prompt,
        lock=Lock(),
    )
    encoder.encode_passages(["probe"], [""])
    return encoder


def _described(device: str) -> str:
    """What encodes on a device; equal for what gives equal vectors. ModelError if it is missing."""
    seen = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if device not in ("cpu", *(("cuda", *seen) if seen else ())):
        raise ModelError(
            f"RAG_DEVICE is {device!r}, and torch {torch.__version__} sees "
            f"{', '.join(seen) or 'no CUDA device'}: install the driver and a torch that was built "
            "for CUDA, or unset RAG_DEVICE"
        )
    name = "CPU" if device == "cpu" else torch.cuda.get_device_name(device)
    return f"torch {torch.__version__} in float32 on {name}"


def _load(files: ModelFiles, device: str) -> SentenceTransformer:
    try:
        return SentenceTransformer(
            str(files.folder),
            device=device,
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
    rows: list[TextVectors] = []
    try:
        with encoder.lock:
            for start in range(0, len(texts), encoder.rows):
                rows += _encode_batch(encoder, task, prompt, texts[start : start + encoder.rows])
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{encoder.passages_by}: batches of {encoder.rows} texts need more memory than it has "
            "free: end what else uses it, or unset RAG_DEVICE"
        ) from error
    return encoder.encoded(rows)


def _encode_batch(
    encoder: TorchEncoder, task: str, prompt: str, texts: Sequence[str]
) -> Iterator[TextVectors]:
    """The vectors of at most `rows` texts."""
    whole = {"padding": "max_length", "max_length": encoder.model.max_seq_length}
    found: Any = encoder.model.encode(
        [*texts, *[""] * (encoder.rows - len(texts))],
        prompt=prompt,
        output_value=None,
        batch_size=encoder.rows,
        show_progress_bar=False,
        task=task,
        processing_kwargs={"text": whole} if encoder.rows > 1 else None,
    )
    with torch.inference_mode():
        pooled = _unit(_stack(found, "sentence_embedding"))
        tokens = _unit(_stack(found, "token_embeddings"))
        masks = _stack(found, "attention_mask").bool()
        if encoder.head and tokens.shape[-1] == encoder.dim:
            # All on the device, and copied once; `project` would compute on the CPU.
            tokens = _unit(tokens @ torch.from_numpy(encoder.head.weights).to(tokens.device))
    rows = (array.cpu().numpy() for array in (pooled, tokens, masks))
    pieces = encoder.cut.encode_batch([prompt + text for text in texts])
    for read, one, each, mask in zip(pieces, *rows, strict=False):
        yield one, _own(encoder, prompt, read, each[mask])


def _own(encoder: TorchEncoder, prompt: str, read: Encoding, tokens: Vectors) -> Vectors:
    """The vectors of a text's own tokens, without those of the prompt and special ones."""
    if tokens.shape != (len(read.ids), encoder.token_dim):
        raise ModelError(
            f"the model {encoder.name} gives token vectors of shape {tokens.shape}, "
            f"expected {(len(read.ids), encoder.dim)}: choose a model with one vector a token, "
            "as long as its pooled vector"
        )
    places = zip(read.special_tokens_mask, read.offsets, strict=True)
    own = [not special and (not prompt or end > len(prompt)) for special, (_, end) in places]
    return tokens[own]


def _stack(found: Sequence[Mapping[str, torch.Tensor]], name: str) -> torch.Tensor:
    """One array of all texts of a batch; one column, which no model has, if `name` is missing."""
    return torch.stack([each.get(name, each["attention_mask"][:, None]) for each in found])


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors.float(), dim=-1)
