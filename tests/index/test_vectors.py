import faiss
import numpy as np
import pytest

from rag.index.vectors import from_bytes, index_vectors

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
    assert (again.view() == ROWS).all()


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
