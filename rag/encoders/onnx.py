"""The default encoder: ONNX Runtime on the CPU, without torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from rag.encoders.base import Encoded, LocalModel, TextVectors, with_contexts, without_limits
from rag.encoders.bert_graph import BertModel, build_graph, read_shape
from rag.encoders.bundled import WEIGHTS, ModelFiles
from rag.encoders.head import project
from rag.encoders.products import integer_product

# While it works the tokenizer takes some 700 bytes a word piece.
LONGEST_PART = 50_000
# Blank, punctuation and Chinese characters are never in one word piece with their neighbours. The
# next character must not combine with them (`\w` is no combining mark), and no special token,
# `[SEP]`, may be torn.
_ALONE = r"!-/:-@\\-`{-~«»¡¿‐-―‘-„†-‧、。〈-】，．：；？！｡。\u3400-\u4dbf\u4e00-\u9fff"
_PART_END = re.compile(rf"[ \t\r\n\u00a0\u3000{_ALONE}](?=[\w {_ALONE}])|(?=\[)")


@dataclass(frozen=True, slots=True, eq=False)
class OnnxEncoder(LocalModel):
    """Encodes each text alone, on up to `threads` threads: the same vectors whatever their number.

    Safe to share between threads: no call changes the tokenizer.
    """

    threads: int
    session: onnxruntime.InferenceSession

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        """The character span of each word piece of the whole text, without special tokens."""
        return word_pieces(self.tokenizer, text)

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions."""
        return _encode(self, texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context ("" for none)."""
        return _encode(self, with_contexts(texts, contexts))


def open_onnx_encoder(files: ModelFiles, threads: int) -> OnnxEncoder:
    """An encoder for a BERT-shaped model with mean pooling; ModelError for another shape."""
    config = files.folder / "config.json"
    model = build_graph(config, files.folder / WEIGHTS, signed=products_are_exact())
    return OnnxEncoder(
        name=files.name,
        sha256=files.sha256,
        precision="int8",
        passages_by="",
        dim=read_shape(config).hidden,
        window=files.window,
        tokenizer=open_tokenizer(files),
        head=None,
        threads=threads,
        session=open_session(model, str(files.folder)),
    )


def open_tokenizer(files: ModelFiles) -> Tokenizer:
    """The model's tokenizer, which neither pads nor cuts."""
    return without_limits(Tokenizer.from_file(str(files.folder / "tokenizer.json")))


def word_pieces(
    tokenizer: Tokenizer, text: str, longest: int = LONGEST_PART
) -> list[tuple[int, int]]:
    """The character span of each word piece, by a BERT tokenizer, without special tokens.

    A text longer than `longest` is given to it in parts, so that memory grows with the pieces
    alone; the pieces are the same.
    """
    found: list[tuple[int, int]] = []
    for start, end in _parts(text, longest):
        pieces = tokenizer.encode(text[start:end], add_special_tokens=False).offsets
        found += [(start + a, start + b) for a, b in pieces] if start else pieces
    return found


def _parts(text: str, longest: int) -> Iterator[tuple[int, int]]:
    """The spans of a text's parts, cut where the tokenizer gives the same pieces."""
    start = 0
    while len(text) - start > longest:
        found = _PART_END.search(text, start + longest)
        if found is None:
            break
        yield start, found.end()
        start = found.end()
    yield start, len(text)


def products_are_exact() -> bool:
    """Whether products of unsigned and signed bytes are exact: some processors add two in 16 bits.

    Others would give another sum for the largest bytes.
    """
    left, right = np.full((4, 64), 255, np.uint8), np.full((64, 16), 127, np.int8)
    return bool((integer_product(left, right) == 64 * 255 * 127).all())


def open_session(model: BertModel, weights_folder: str) -> onnxruntime.InferenceSession:
    """One thread a run: several texts at once are faster than several threads on one text."""
    # `rag/__init__.py` has switched it off already, unless a script imported onnxruntime first.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # It would keep a plan of the memory, 13 KB, for each length of a text.
    options.enable_mem_pattern = False
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", weights_folder
    )
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in model.arrays.values()]
    options.add_external_initializers(list(model.arrays), values)
    return onnxruntime.InferenceSession(model.graph, options, providers=["CPUExecutionProvider"])


def _encode(encoder: OnnxEncoder, texts: Sequence[str]) -> Encoded:
    if len(texts) > 1 and encoder.threads > 1:
        with ThreadPoolExecutor(encoder.threads) as pool:
            found = list(pool.map(partial(_encode_one, encoder), texts))
    else:
        found = [_encode_one(encoder, text) for text in texts]
    unknown = tuple(encoder.unknown_of(pieces) for pieces, _ in found)
    return encoder.encoded([vectors for _, vectors in found], unknown)


def _encode_one(encoder: OnnxEncoder, text: str) -> tuple[list[int], TextVectors]:
    """The ids of all word pieces of a text, and the vectors of those in the window."""
    first, *pieces, last = encoder.tokenizer.encode(text).ids
    ids = np.array([first, *pieces[: encoder.window - 2], last], np.int64)
    pooled, tokens = encoder.session.run(["pooled", "tokens"], {"input_ids": ids})
    return pieces, (pooled, project(tokens[1:-1], encoder.head))
