"""What one thread can multiply, and the encoder's part of it."""

from eval.speed.limits import INT8, TOKENS, measure, multiply_adds, text_of
from rag.encoders import open_encoder

SMALL = {"hidden_size": 2, "intermediate_size": 3, "num_hidden_layers": 5}


def test_multiply_adds_are_those_of_linear_layers_and_attention() -> None:
    # A token: four products of 2 x 2, two of 2 x 3; and its scores and mean over 7 tokens.
    assert multiply_adds(SMALL, 7) == 5 * 7 * (4 * 4 + 2 * 6 + 2 * 7 * 2)


def test_every_row_has_a_rate_and_its_share_of_int8() -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    found = measure(encoder, turns=2)
    assert len(found) == 3 + len(TOKENS)
    assert found[INT8]["share of int8"] == 1
    for row in found.values():
        assert list(row) == ["billion multiply-adds/s", "share of int8"]
        assert row["billion multiply-adds/s"] > 0


def test_a_text_has_as_many_tokens_as_are_counted() -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    for tokens in TOKENS:
        assert len(encoder.word_pieces(text_of(tokens))) == tokens - 2
