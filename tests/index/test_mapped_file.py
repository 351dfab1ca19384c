"""A mapped file is what was verified, or it is refused."""

from __future__ import annotations

import gc
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from rag.index.mapped_file import LET_GO, MappedFile, array_in, stamp_at
from rag.types.errors import CorruptIndex

ROWS = np.arange(12, dtype=np.uint8).reshape(4, 3)


def saved(path: Path) -> str:
    """Saves the rows; returns the sha256 of the file."""
    np.save(path, ROWS)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_array_is_the_one_that_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    file = MappedFile(path, saved(path), stamp_at(path))
    file.check()
    array = array_in(file.content(), np.uint8, 2)
    assert type(array) is np.ndarray and np.array_equal(array, ROWS)


def test_a_file_whose_stamp_is_not_known_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    MappedFile(path, saved(path), stamp_at(tmp_path / "none")).check()
    with pytest.raises(CorruptIndex, match=r"rows\.npy was altered"):
        MappedFile(path, "0" * 64, None).check()


def test_a_file_that_was_exchanged_before_it_was_opened_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "rows.npy", tmp_path / "other.npy"
    sha256, stamp = saved(path), stamp_at(path)
    np.save(other, ROWS[::-1])
    os.replace(other, path)
    with pytest.raises(CorruptIndex):
        MappedFile(path, sha256, stamp).check()


def descriptors(path: Path) -> int:
    """How many descriptors of this process are of that file."""
    gc.collect()
    return sum(os.path.realpath(link) == str(path) for link in Path("/proc/self/fd").iterdir())


def test_the_descriptors_go_with_the_file_and_the_array(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    file = MappedFile(path, saved(path), stamp_at(path))
    array = array_in(file.content(), np.uint8, 2)
    assert descriptors(path) == 2
    del file
    assert descriptors(path) == 1 and array.sum() == ROWS.sum()
    del array
    assert descriptors(path) == 0


def resident(path: Path) -> int:
    """How many kilobytes of that file this process holds in its mappings."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    at = next(at for at, line in enumerate(lines) if line.endswith(str(path)))
    return next(int(line.split()[1]) for line in lines[at:] if line.startswith("Rss:"))


@pytest.mark.parametrize(("large", "left"), [(1 << 20, 0), (1 << 22, 1 << 11)])
def test_the_pages_of_a_large_file_are_let_go_and_read_again(
    tmp_path: Path, large: int, left: int
) -> None:
    path = tmp_path / "rows"
    path.write_bytes(bytes(range(256)) * (1 << 13))
    file = MappedFile(path, "", stamp_at(path), large)
    content = file.content()
    assert bytes(content) == path.read_bytes() and resident(path) == 1 << 11
    for _ in range(LET_GO):
        file.check()
    assert resident(path) == left
    assert bytes(content) == path.read_bytes()


@pytest.mark.parametrize(
    "array",
    [
        np.array([[None]]),
        np.asfortranarray(ROWS),
        ROWS.astype(np.int8),
        ROWS.ravel(),
        ROWS[None],
        np.uint8(1),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, array)
    with pytest.raises(ValueError, match="not an array of uint8 with 2 dimensions"):
        array_in(path.read_bytes(), np.uint8, 2)


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (1, 1)])
def test_an_array_of_any_size_is_read(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, np.ones(shape, dtype=np.float32))
    assert np.array_equal(array_in(path.read_bytes(), np.float32, 2), np.ones(shape))


@pytest.mark.parametrize(
    "shape", ["(3, 3)", "(4, 9999999999999)", "(99999999999999999999, 3)", "(4, -3)"]
)
def test_a_shape_that_the_file_does_not_hold_is_refused(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "rows.npy"
    saved(path)
    forged = path.read_bytes().replace(b"(4, 3)", shape.encode())
    with pytest.raises(ValueError, match=r"^not "):
        array_in(forged, np.uint8, 2)


@pytest.mark.parametrize("length", [0, 7, 60, -1])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "rows.npy"
    saved(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError):
        array_in(MappedFile(path, "", None).content(), np.uint8, 2)
