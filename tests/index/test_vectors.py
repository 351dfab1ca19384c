from collections.abc import Callable

import faiss
import numpy as np
import pytest

from rag.index.vectors import MANY, STEPS, VectorIndex, from_bytes, index_vectors

ROWS = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)


def test_nearest_are_best_first() -> None:
    index = index_vectors(ROWS)
    assert index.nearest(np.array([0, 1], dtype=np.float32), 2)[0].tolist() == [1, 2]


def test_more_than_there_are_gives_all_and_never_row_minus_one() -> None:
    index = index_vectors(ROWS)
    assert sorted(index.nearest(ROWS[0], 50)[0].tolist()) == [0, 1, 2]


def test_rows_that_faiss_pads_with_minus_one_are_dropped() -> None:
    index = index_vectors(ROWS)
    nan = np.full(2, np.nan, dtype=np.float32)
    assert (index.nearest(nan, 3)[0] >= 0).all()


def test_search_keeps_within_the_given_rows() -> None:
    index = index_vectors(ROWS)
    rows, _ = index.nearest(ROWS[0], 3, np.array([False, True, True]))
    assert rows.tolist() == [2, 1]
    assert len(index.nearest(ROWS[0], 3, np.zeros(3, dtype=bool))[0]) == 0


def test_the_search_and_the_rows_alone_give_the_same_cosines_to_the_last_bit() -> None:
    drawn = np.random.default_rng(0).normal(size=(300, 384)).astype(np.float32)
    index = index_vectors(drawn)
    rows, cosines = index.nearest(drawn[7], 120)
    assert np.array_equal(index.cosines(drawn[7], rows), cosines)
    alone = [index.cosines(drawn[7], rows[at : at + 1])[0] for at in range(120)]
    assert np.array_equal(alone, cosines)


def test_cosines_are_those_of_the_rows_in_their_order() -> None:
    index = index_vectors(ROWS)
    rows = np.array([2, 0], dtype=np.int64)
    np.testing.assert_allclose(index.cosines(ROWS[0], rows), [0.6, 1.0], rtol=1e-6)
    assert len(index.cosines(ROWS[0], rows[:0])) == 0


def test_an_index_survives_the_round_trip_byte_for_byte() -> None:
    raw = index_vectors(ROWS).content
    again = from_bytes(raw)
    assert again.content == raw
    assert (again.stored == ROWS).all()


def test_an_index_of_another_kind_is_refused() -> None:
    other = faiss.serialize_index(faiss.IndexFlatL2(2)).tobytes()
    with pytest.raises(ValueError, match="kind b'IxF2', expected b'IxFI'"):
        from_bytes(other)


def test_an_index_that_claims_to_be_longer_than_its_file_takes_no_memory() -> None:
    raw = bytearray(index_vectors(ROWS).content)
    raw[37:45] = (1 << 50).to_bytes(8, "little")
    with pytest.raises(ValueError, match="not as long as 1125899906842624 numbers"):
        from_bytes(bytes(raw))
    with pytest.raises(ValueError, match="too short"):
        from_bytes(bytes(raw[:44]))


# ---- many vectors, searched by signs

DIM = 100


def directions(count: int) -> np.ndarray:
    """Unit vectors around a few hundred directions."""
    generator = np.random.default_rng(count)
    around = generator.normal(size=(300, DIM))[generator.integers(0, 300, count)]
    drawn = (around + generator.normal(scale=0.3, size=(count, DIM))).astype(np.float32)
    return unit(drawn)


def asked(index: VectorIndex, count: int) -> np.ndarray:
    """So many questions, each near one of the vectors."""
    near = index.vectors(slice(None, None, MANY // count))
    noise = np.random.default_rng(0).normal(scale=0.05, size=near.shape)
    return unit((near + noise).astype(np.float32))


def unit(vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


@pytest.fixture(scope="module")
def many() -> VectorIndex:
    return index_vectors(directions(MANY))


def recall(index: VectorIndex, within: np.ndarray | None, queries: np.ndarray) -> float:
    """The share of the 50 nearest of all that a search finds."""
    shares = []
    for query in queries:
        similar = index.vectors(slice(None)) @ query
        allowed = np.arange(len(index)) if within is None else np.flatnonzero(within)
        nearest = allowed[np.argsort(-similar[allowed])[:50]]
        found, cosines = index.nearest(query, 50, within)
        np.testing.assert_allclose(cosines, similar[found], rtol=1e-4)
        assert (np.diff(cosines) <= 0).all()
        shares.append(len(np.intersect1d(found, nearest)) / 50)
    return float(np.mean(shares))


def test_only_many_vectors_are_in_16_bits_and_have_signs(many: VectorIndex) -> None:
    few = index_vectors(directions(MANY - 1))
    assert (few.bits, len(few.signs)) == (32, 0)
    assert (many.bits, many.signs.shape) == (16, (MANY, 13))
    np.testing.assert_allclose(many.vectors(slice(None)), directions(MANY), atol=0.5001 / STEPS)


def test_a_search_by_signs_finds_nearly_all_of_the_nearest(many: VectorIndex) -> None:
    assert recall(many, None, asked(many, 40)) > 0.98


def test_filters_are_kept_and_those_that_let_few_through_are_exact(many: VectorIndex) -> None:
    chance = np.random.default_rng(0).random(MANY)
    half, some = chance < 0.5, chance < 0.03
    assert recall(many, half, asked(many, 10)) > 0.98
    assert recall(many, some, asked(many, 10)) == 1
    for within in (half, some):
        assert within[many.nearest(asked(many, 1)[0], 50, within)[0]].all()


def test_many_equal_vectors_are_found_in_order() -> None:
    same = index_vectors(np.tile(np.eye(DIM, dtype=np.float32)[:1], (MANY, 1)))
    rows, cosines = same.nearest(np.eye(DIM, dtype=np.float32)[0], 5)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert (cosines == cosines[0]).all()


def test_of_many_vectors_too_a_cosine_depends_on_no_other_row(many: VectorIndex) -> None:
    query = asked(many, 1)[0]
    rows, cosines = many.nearest(query, 50)
    alone = [many.cosines(query, rows[at : at + 1])[0] for at in range(50)]
    assert np.array_equal(alone, cosines)


def test_many_vectors_that_were_stored_before_give_the_same_bytes(many: VectorIndex) -> None:
    assert index_vectors(directions(MANY)).content == many.content
    assert index_vectors(many.vectors(slice(None))).content == many.content


def test_many_vectors_survive_the_round_trip(many: VectorIndex) -> None:
    again = from_bytes(many.content)
    assert again.content == many.content
    query = asked(many, 1)[0]
    assert again.nearest(query, 9)[0].tolist() == many.nearest(query, 9)[0].tolist()


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: raw + b"\0"])
def test_many_vectors_that_are_not_whole_are_refused(
    many: VectorIndex, damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(ValueError, match="longer than"):
        from_bytes(damage(bytes(many.content)))
