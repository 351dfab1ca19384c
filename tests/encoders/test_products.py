import ctypes

import numpy as np
import pytest

from rag.encoders.products import integer_product, product
from support.memory import kept_bytes


def test_the_product_is_exact_for_whatever_is_small_enough() -> None:
    generator = np.random.default_rng(0)
    left = generator.integers(0, 129, (9, 700), dtype=np.uint8)
    right = generator.integers(-127, 128, (700, 5), dtype=np.int8)
    found = integer_product(left, right)
    assert found.dtype == np.int32
    assert np.array_equal(found, left.astype(np.int64) @ right.astype(np.int64))


def test_the_largest_sums_are_not_cut_off() -> None:
    left, right = np.full((2, 384), 128, np.uint8), np.full((384, 3), -127, np.int8)
    assert integer_product(left, right).tolist() == [[-384 * 128 * 127] * 3] * 2


def test_nothing_times_anything_is_nothing() -> None:
    assert integer_product(np.zeros((0, 4), np.uint8), np.zeros((4, 3), np.int8)).shape == (0, 3)
    assert product(np.zeros((0, 4), np.float32), np.zeros((4, 3), np.float32)).shape == (0, 3)


def test_floats_are_multiplied_as_by_numpy() -> None:
    left, right = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(product(left, right), left @ right, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
def test_nothing_is_kept_of_a_product() -> None:
    def multiply(number: int) -> None:
        integer_product(np.zeros((1 + number, 8), np.uint8), np.zeros((8, 3), np.int8))

    assert kept_bytes(multiply, 100) < 20
