import numpy as np
import pytest

from rag.encoders.base import Encoder
from rag.encoders.bundled import DIGESTS, WEIGHTS
from rag.encoders.head import HEADS, Head, HeadedEncoder, project, read_head, rotation, with_head
from rag.errors import ModelError
from support.letter_encoder import LetterEncoder

SWAP = np.array([[0, 1], [1, 0], [0, 0]], dtype=np.float32)


def test_projected_tokens_are_mapped_and_normalised_again() -> None:
    tokens = np.array([[3, 4, 100], [0, 2, 0]], dtype=np.float32)
    np.testing.assert_allclose(project(tokens, SWAP), [[0.8, 0.6], [1, 0]], rtol=1e-6)


def test_a_token_that_the_map_takes_to_nothing_stays_zero() -> None:
    assert project(np.array([[0, 0, 1]], dtype=np.float32), SWAP).tolist() == [[0, 0]]


def headed() -> tuple[LetterEncoder, HeadedEncoder]:
    paper = LetterEncoder()
    return paper, HeadedEncoder(
        paper, Head(np.eye(paper.token_dim, 4 * 3, dtype=np.float32), "f" * 64)
    )


def test_only_the_token_vectors_change() -> None:
    paper, encoder = headed()
    assert (encoder.name, encoder.sha256, encoder.dim, encoder.window) == (
        paper.name,
        paper.sha256,
        paper.dim,
        paper.window,
    )
    assert (encoder.token_dim, encoder.head_sha256) == (12, "f" * 64)
    assert encoder.word_pieces("a b") == paper.word_pieces("a b")
    for one, other in (
        (encoder.encode_queries(["a bee"]), paper.encode_queries(["a bee"])),
        (encoder.encode_passages(["a"], ["b"]), paper.encode_passages(["a"], ["b"])),
    ):
        assert (one.pooled == other.pooled).all()
        cut = other.tokens[0][:, :12]
        np.testing.assert_allclose(one.tokens[0], unit(cut), rtol=1e-6)


def test_of_a_model_without_a_head_the_tokens_are_turned_and_cosines_stay() -> None:
    paper = LetterEncoder()
    turned: Encoder = with_head(paper)
    assert (turned.token_dim, turned.head_sha256) == (64, "")
    own, found = (each.encode_queries(["ants and bees"]).tokens[0] for each in (paper, turned))
    np.testing.assert_allclose(found @ found.T, unit(own) @ unit(own).T, atol=1e-5)
    assert not np.allclose(found, unit(own), atol=0.1)


def test_a_rotation_keeps_lengths_and_spreads_a_large_component() -> None:
    turned = rotation(384)
    np.testing.assert_allclose(turned @ turned.T, np.eye(384), atol=1e-5)
    assert np.abs(turned[0]).max() < 0.2
    assert rotation(384) is turned


def unit(tokens: np.ndarray) -> np.ndarray:
    return tokens / np.linalg.norm(tokens, axis=1, keepdims=True)


def test_the_bundled_model_has_a_head_of_96_bytes_a_token() -> None:
    head = read_head(HEADS[DIGESTS[WEIGHTS]], 384)
    assert head.weights.shape == (384, 384)
    assert len(head.sha256) == 64


@pytest.mark.parametrize("file", ["none.safetensors", "../errors.py"])
def test_a_head_that_cannot_be_read_is_refused(file: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_head(file, 384)


def test_a_head_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected float32 \(27, size\)"):
        read_head(HEADS[DIGESTS[WEIGHTS]], 27)
