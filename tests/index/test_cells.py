from collections.abc import Callable

import numpy as np
import pytest

from rag.index.cells import LEAST, cells_from
from rag.index.vectors import VectorIndex, from_bytes, index_vectors

DIM = 16


def grouped(count: int) -> np.ndarray:
    """Unit vectors around a few hundred directions."""
    generator = np.random.default_rng(count)
    around = generator.normal(size=(300, DIM))[generator.integers(0, 300, count)]
    drawn = (around + generator.normal(scale=0.3, size=(count, DIM))).astype(np.float32)
    unit: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def index() -> VectorIndex:
    return index_vectors(grouped(LEAST))


def recall(index: VectorIndex, within: np.ndarray | None, queries: np.ndarray) -> float:
    """The share of the 50 nearest of all that a search finds."""
    shares = []
    for query in queries:
        similar = index.view() @ query
        allowed = np.arange(len(index)) if within is None else np.flatnonzero(within)
        nearest = allowed[np.argsort(-similar[allowed])[:50]]
        found, cosines = index.nearest(query, 50, within)
        np.testing.assert_allclose(cosines, similar[found], rtol=1e-4)
        assert (np.diff(cosines) <= 0).all()
        shares.append(len(np.intersect1d(found, nearest)) / 50)
    return float(np.mean(shares))


def test_few_passages_have_no_cells_and_take_no_room() -> None:
    few = index_vectors(grouped(LEAST - 1))
    assert len(few.cells) == 0 and few.cells.arrays == ()


def test_a_search_by_cells_finds_nearly_all_of_the_nearest(index: VectorIndex) -> None:
    assert len(index.cells) > 0
    assert recall(index, None, grouped(40)) > 0.98


def test_filters_are_kept_and_those_that_let_few_through_are_exact(index: VectorIndex) -> None:
    generator = np.random.default_rng(0)
    many, few = (generator.random(LEAST) < share for share in (0.5, 0.01))
    assert recall(index, many, grouped(10)) > 0.95
    assert recall(index, few, grouped(10)) == 1
    for within in (many, few):
        assert within[index.nearest(grouped(1)[0], 50, within)[0]].all()


def test_the_same_vectors_give_the_same_cells(index: VectorIndex) -> None:
    assert index.content == index_vectors(grouped(LEAST)).content


def test_cells_survive_the_round_trip_byte_for_byte(index: VectorIndex) -> None:
    raw = index.content
    again = from_bytes(raw)
    assert again.content == raw
    query = grouped(1)[0]
    assert again.nearest(query, 9)[0].tolist() == index.nearest(query, 9)[0].tolist()


def test_if_the_nearest_cells_are_empty_all_vectors_are_compared() -> None:
    same = index_vectors(np.tile(np.eye(DIM, dtype=np.float32)[:1], (LEAST, 1)))
    assert np.isfinite(same.cells.centres).all()
    assert len(same.nearest(np.eye(DIM, dtype=np.float32)[0], 5)[0]) == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: raw[: 4 * 223 * DIM + 3],
        lambda raw: raw[: 4 * 223 * DIM] + bytes(8 * 224) + raw[4 * 223 * DIM + 8 * 224 :],
    ],
)
def test_what_are_not_whole_cells_is_refused(
    index: VectorIndex, damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(ValueError, match=f"the cells are not those of {LEAST} passages"):
        cells_from(damage(b"".join(array.tobytes() for array in index.cells.arrays)), LEAST, DIM)
