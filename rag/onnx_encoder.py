"""The encoder for every day: ONNX Runtime on the CPU, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from rag.encoder import Encoded, Vectors, with_context
from rag.model_files import WEIGHTS, ModelFiles
from rag.onnx_graph import build_graph, read_shape


@dataclass(frozen=True, slots=True, eq=False)
class OnnxEncoder:
    """Encodes each text alone, on up to `threads` threads: the same vectors whatever their number.

    Safe to share between threads: the tokenizer is never set up anew.
    """

    name: str
    sha256: str
    dim: int
    window: int
    threads: int
    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer

    @property
    def token_dim(self) -> int:
        """The length of each token vector: that of a pooled one."""
        return self.dim

    @property
    def head_sha256(self) -> str:
        """No head: the token vectors are the model's own."""
        return ""

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""
        return self.tokenizer.encode(text, add_special_tokens=False).offsets

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions."""
        return _encode(self, texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context ("" for none)."""
        return _encode(self, [with_context(*pair) for pair in zip(contexts, texts, strict=True)])


def open_onnx_encoder(files: ModelFiles, threads: int) -> OnnxEncoder:
    """An encoder for a BERT-shaped model with mean pooling; ModelError for another shape."""
    config = files.folder / "config.json"
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return OnnxEncoder(
        name=files.name,
        sha256=files.sha256,
        dim=read_shape(config).hidden,
        window=files.window,
        threads=threads,
        session=_session(build_graph(config, files.folder / WEIGHTS), str(files.folder)),
        tokenizer=tokenizer,
    )


def _session(graph: bytes, weights_folder: str) -> onnxruntime.InferenceSession:
    """One thread a run: several texts at once are faster than several threads on one text."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", weights_folder
    )
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _encode(encoder: OnnxEncoder, texts: Sequence[str]) -> Encoded:
    if len(texts) > 1 and encoder.threads > 1:
        with ThreadPoolExecutor(encoder.threads) as pool:
            rows = list(pool.map(partial(_encode_one, encoder), texts))
    else:
        rows = [_encode_one(encoder, text) for text in texts]
    pooled = np.array([row[0] for row in rows], np.float32).reshape(-1, encoder.dim)
    return Encoded(pooled, tuple(row[1] for row in rows))


def _encode_one(encoder: OnnxEncoder, text: str) -> tuple[Vectors, Vectors]:
    first, last = encoder.tokenizer.encode("").ids
    pieces = encoder.tokenizer.encode(text, add_special_tokens=False).ids
    ids = np.array([first, *pieces[: encoder.window - 2], last], np.int64)
    pooled, tokens = encoder.session.run(["pooled", "tokens"], {"input_ids": ids})
    return pooled, tokens[1:-1]
