import numpy as np
import pytest

from rag.encoders.bundled import DIGESTS, WEIGHTS, bundled_model
from rag.encoders.head import HEADS, Head, head_of, project, read_head, rotation
from rag.encoders.onnx import open_onnx_encoder
from rag.encoders.open import open_encoder
from rag.types.errors import ModelError
from support.letter_encoder import LetterEncoder
from support.models import HEAD

SWAP = np.array([[0, 1], [1, 0], [0, 0]], dtype=np.float32)


def test_projected_tokens_are_mapped_and_normalised_again() -> None:
    tokens = np.array([[3, 4, 100], [0, 2, 0]], dtype=np.float32)
    np.testing.assert_allclose(project(tokens, Head(SWAP, "")), [[0.8, 0.6], [1, 0]], rtol=1e-6)


def test_a_token_that_the_map_takes_to_nothing_stays_zero() -> None:
    assert project(np.array([[0, 0, 1]], dtype=np.float32), Head(SWAP, "")).tolist() == [[0, 0]]


def test_without_a_head_the_tokens_are_the_models_own() -> None:
    assert project(SWAP, None) is SWAP


def test_a_head_changes_the_token_vectors_and_nothing_else() -> None:
    bare, encoder = open_onnx_encoder(bundled_model(), 1), open_encoder("bundled", "onnx", 1)
    assert (encoder.name, encoder.sha256, encoder.dim) == (bare.name, bare.sha256, bare.dim)
    assert (bare.head_sha256, encoder.head_sha256) == ("", HEAD.sha256)
    own, found = (each.encode_passages(["a bee"], ["Bees"]) for each in (bare, encoder))
    assert own.pooled.tobytes() == found.pooled.tobytes()
    assert found.tokens[0].tobytes() == project(own.tokens[0], HEAD).tobytes()


def test_a_model_without_a_head_has_its_tokens_rotated_and_cosines_stay() -> None:
    head = head_of("0" * 64, 64)
    assert (head.weights.shape, head.sha256) == ((64, 64), "")
    own = LetterEncoder().encode_queries(["ants and bees"]).tokens[0]
    found = project(own, head)
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
    assert HEAD.weights.shape == (384, 384)
    assert len(HEAD.sha256) == 64


@pytest.mark.parametrize("file", ["none.safetensors", "../errors.py"])
def test_a_head_that_cannot_be_read_is_refused(file: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_head(file, 384)


def test_a_head_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected float32 \(27, size\)"):
        read_head(HEADS[DIGESTS[WEIGHTS]], 27)
