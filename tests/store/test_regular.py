"""What anybody may have put in a file's place is refused without a trace."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.store.regular import read_regular

SHAPES: dict[str, Callable[[Path], None]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link": lambda path: path.symlink_to("/dev/null"),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "long": lambda path: path.write_bytes(b"12345") and None,
}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_no_small_regular_file_is_refused_and_no_descriptor_stays_open(
    tmp_path: Path, shape: str
) -> None:
    path = tmp_path / "CURRENT"
    SHAPES[shape](path)
    before = descriptors()
    for _ in range(5):
        with pytest.raises(OSError, match=r"not a regular file|longer than 4 bytes"):
            read_regular(path, 4)
    assert descriptors() == before


def test_a_regular_file_is_read_to_its_last_byte(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_bytes(b"1234")
    assert read_regular(tmp_path / "CURRENT", 4) == b"1234"
