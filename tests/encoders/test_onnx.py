import ctypes

import pytest

from rag.encoders.open import open_encoder
from support.memory import kept_bytes


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
def test_nothing_is_kept_of_a_text_of_new_length() -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    # The longest text comes first, and takes what the shorter ones need.
    assert kept_bytes(lambda number: encoder.encode_queries(["cell " * (90 - number)]), 15) < 1000


def test_encoding_also_says_what_is_unknown() -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    texts = ["", "plain", "ꙮ and ꙮꙮ", "so " * 300 + "ꙮ"]
    assert encoder.encode_queries(texts).unknown == tuple(map(encoder.unknown, texts))
