"""Passages in batches on a device, questions as without one; the device is the CPU here."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rag.encoders.base import Encoded, Encoder
from rag.encoders.bundled import bundled_model
from rag.encoders.open import open_encoder
from rag.encoders.sentence_transformer import ROWS, TorchEncoder, find_model, open_torch_encoder
from rag.types.errors import ModelError
from support.small_model import small_model

# More than two batches, of all lengths up to beyond the window, and a blank text.
TEXTS = ["", *("cells of kind T " * (length % 11) + f"{length}" for length in range(19))]
CONTEXTS = ["" if at % 3 else "Title > Heading" for at in range(len(TEXTS))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = small_model(tmp_path_factory.mktemp("m"), {"query": "ask: ", "passage": "read: "})
    return str(made)


@pytest.fixture(scope="module")
def device(folder: str) -> Encoder:
    return open_encoder(folder, "torch", 1, "cpu")


@pytest.fixture(scope="module")
def alone(folder: str) -> Encoder:
    return open_encoder(folder, "torch", 1)


def bits(encoded: Encoded) -> list[tuple[bytes, bytes]]:
    pairs = zip(encoded.pooled, encoded.tokens, strict=True)
    return [(pooled.tobytes(), tokens.tobytes()) for pooled, tokens in pairs]


def test_a_passage_has_the_same_bits_in_any_company_and_order(device: Encoder) -> None:
    assert len(TEXTS) > 2 * ROWS["cpu"]
    together = bits(device.encode_passages(TEXTS, CONTEXTS))
    turned = device.encode_passages(TEXTS[::-1], CONTEXTS[::-1])
    assert bits(turned) == together[::-1]
    each = zip(TEXTS, CONTEXTS, strict=True)
    one_by_one = [bits(device.encode_passages([text], [context]))[0] for text, context in each]
    assert one_by_one == together


def test_passages_are_those_of_a_text_alone_but_for_rounding(
    device: Encoder, alone: Encoder
) -> None:
    found = device.encode_passages(TEXTS, CONTEXTS)
    expected = alone.encode_passages(TEXTS, CONTEXTS)
    assert np.abs(found.pooled - expected.pooled).max() < 1e-5
    for left, right in zip(found.tokens, expected.tokens, strict=True):
        assert left.dtype == np.float32 and left.shape == right.shape
        assert np.abs(left - right).max(initial=0) < 1e-4


def test_questions_are_encoded_as_without_a_device(device: Encoder, alone: Encoder) -> None:
    assert bits(device.encode_queries(TEXTS)) == bits(alone.encode_queries(TEXTS))


def test_no_passages_give_no_rows(device: Encoder) -> None:
    found = device.encode_passages([], [])
    assert found.pooled.shape == (0, 24) and found.tokens == ()


def test_the_bundled_model_has_questions_in_8_bits_and_passages_in_float32() -> None:
    device, onnx = open_encoder("bundled", "onnx", 1, "cpu"), open_encoder("bundled", "onnx", 1)
    facts = [
        (e.name, e.sha256, e.head_sha256, e.precision, e.dim, e.token_dim, e.window)
        for e in (device, onnx)
    ]
    assert facts[0] == facts[1]
    assert (onnx.passages_by, device.passages_by) == (
        "",
        f"torch {torch.__version__} in float32 on CPU",
    )
    texts = ["Which procedure collects the T cells?", "naïve 细胞"]
    assert bits(device.encode_queries(texts)) == bits(onnx.encode_queries(texts))
    found = device.encode_passages(texts, ["", "Title"])
    expected = open_encoder("bundled", "torch", 1).encode_passages(texts, ["", "Title"])
    assert np.abs(found.pooled - expected.pooled).max() < 1e-5
    for left, right in zip(found.tokens, expected.tokens, strict=True):
        assert left.shape == right.shape and np.abs(left - right).max() < 1e-4


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_device_that_is_missing_is_named_with_what_torch_sees(name: str) -> None:
    with pytest.raises(ModelError, match=f"'{name}', and torch .* sees no CUDA device: install"):
        open_encoder("bundled", "onnx", 1, name)


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "CPU", "cpu:1"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"RAG_DEVICE is '{name}', and torch .* sees "):
        open_torch_encoder(bundled_model(), 1, name)


class Full:
    """A model on a device whose memory is used up, at once or by what it gives."""

    max_seq_length = 32

    def __init__(self, at_once: bool) -> None:
        self.at_once = at_once

    def encode(self, texts: Sequence[str], **how: Any) -> list[Any]:
        return [self.get(text) if self.at_once else self for text in texts]

    def get(self, name: str, *default: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.ones(1)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_device_without_enough_memory_is_named_with_the_size_of_a_batch(
    folder: str, at_once: bool
) -> None:
    encoder: Any = open_torch_encoder(find_model(folder), 1, "cpu")
    assert isinstance(encoder, TorchEncoder)
    full = replace(encoder, model=Full(at_once))
    with pytest.raises(ModelError, match=r"on CPU: batches of 8 texts need more memory.*RAG_DEV"):
        full.encode_passages(["a"], [""])


def test_a_missing_torch_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from rag.encoders.open import open_encoder\n"
        "from rag.types.errors import ModelError\n"
        "try: open_encoder('bundled', 'onnx', 1, 'cuda')\n"
        "except ModelError as error: print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, timeout=60
    )
    assert "require torch, which is not installed: run `pip install torch" in found.stdout
