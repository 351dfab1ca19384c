import numpy as np
import pytest

from rag.index.token_vectors import bits_of, halved, quantise, step, store, width, zero_store
from rag.index.vectors import MANY


def test_a_token_takes_two_bits_a_component() -> None:
    assert [width(dim) for dim in (1, 4, 5, 384)] == [1, 1, 2, 96]
    assert quantise(np.zeros((7, 384), np.float32)).shape == (7, 96)


def test_each_component_gets_the_level_it_lies_in_and_the_outer_ones_have_no_end() -> None:
    # Level 0 is below -1 step, 1 up to 0, 2 up to 1 step; byte 0 holds components 0, 2, 4 and 6.
    steps = np.array([[-9, -1.1, -0.9, -0.1, 0, 0.9, 1.1, 9]], np.float32)
    levels = [0, 0, 1, 1, 2, 2, 3, 3]
    packed = [sum(levels[at + 2 * k] << 2 * k for k in range(4)) for at in range(2)]
    assert quantise(steps * np.float32(step(8))).tolist() == [packed]


def test_what_fills_up_the_last_bytes_is_nothing() -> None:
    # Five components: two bytes, the first of which holds components 0, 2 and 4.
    high = np.ones((1, 5), np.float32)
    assert quantise(high).tolist() == [[0b00111111, 0b00001111]]


def test_rows_are_those_of_the_passage() -> None:
    one, two = (quantise(np.full((n, 4), n, np.float32)) for n in (1, 2))
    tokens = store([one, two[:0], two], dim=4)
    assert tokens.starts.tolist() == [0, 1, 1, 3]
    assert [len(tokens.rows(at)) for at in range(3)] == [1, 0, 2]
    assert store([], dim=384).vectors.shape == (0, 96)


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_a_level_stands_for_its_middle(scale: float) -> None:
    tokens = np.full((1, 4), scale * step(4), np.float32)
    assert np.array_equal(quantise(tokens), quantise(tokens * np.float32(1.3)))
    assert not np.array_equal(quantise(tokens), quantise(-tokens))


def test_a_corpus_of_many_passages_has_one_bit_a_component() -> None:
    assert [bits_of(count) for count in (0, MANY - 1, MANY)] == [2, 2, 1]
    assert [width(dim, 1) for dim in (1, 8, 9, 384)] == [1, 1, 2, 48]


@pytest.mark.parametrize("dim", [384, 26])
def test_one_bit_is_the_sign(dim: int) -> None:
    tokens = np.random.default_rng(0).normal(size=(5, dim)).astype(np.float32)
    same_signs = np.copysign(np.float32(1), tokens)
    assert np.array_equal(halved(quantise(tokens)), halved(quantise(same_signs)))
    for at in range(dim):
        other = same_signs.copy()
        other[:, at] *= -1
        apart = halved(quantise(other)) ^ halved(quantise(same_signs))
        assert np.unpackbits(apart, axis=1).sum(axis=1).tolist() == [1] * 5


def test_a_store_takes_vectors_of_more_bits_than_it_has() -> None:
    two = quantise(np.random.default_rng(0).normal(size=(3, 26)).astype(np.float32))
    made = zero_store([3, 3], 26, bits=1)
    made.put(0, two)
    made.put(1, halved(two), bits=1)
    assert np.array_equal(made.rows(0), halved(two))
    assert np.array_equal(made.rows(1), halved(two))
