"""Bytes that are kept outside memory."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile

import pytest

from rag.documents.spool import SMALL, Spool, opened_spool, temporary
from rag.types.errors import RagError
from support.full_disk import full_from


def test_contents_are_kept_once_and_joined_in_any_order() -> None:
    with temporary() as file:
        spool = Spool(file)
        for digest, content in (("1", b"one"), ("2", b"two"), ("1", b"one")):
            spool.add(digest, content)
        assert file.tell() == 6
        joined = spool.joined(["2", "1", "2"])
    assert bytes(joined) == b"twoonetwo"


def test_what_is_too_large_for_memory_is_on_disk_and_outlives_the_spool() -> None:
    content = bytes(range(256)) * (SMALL // 256) + b"end"
    with temporary() as file:
        spool = Spool(file)
        spool.add("1", content)
        joined = spool.joined(["1"])
    assert joined == content and type(joined.obj).__name__ == "mmap"


def test_a_temporary_file_that_cannot_be_written_is_no_file_to_skip() -> None:
    class Full(SpooledTemporaryFile[bytes]):
        def write(self, content: object) -> int:
            raise OSError(28, "No space left on device")

    with Full() as file, pytest.raises(RagError, match="free some space, or set TMPDIR"):
        Spool(file).add("1", b"one")


def test_an_error_of_the_temporary_file_is_not_hidden_when_it_is_closed() -> None:
    refused = pytest.raises(RagError, match=r"too large.*free some space, or set TMPDIR")
    with full_from(SMALL + 5000), refused, opened_spool() as spool:
        spool.add("large", bytes(SMALL + 1))
        for number in range(10):
            spool.add(f"{number}", bytes(1000))
