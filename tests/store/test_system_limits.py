"""A snapshot that cannot be opened for want of descriptors or memory is not damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.store.open import open_newest, read_manifest
from rag.store.readback import in_child
from rag.store.versions import current_id, live_id, read_versions
from rag.types.errors import SystemLimit
from support.few_descriptors import few_descriptors
from support.snapshots import ENCODER, FIRST, SECOND, published

# Ends as a process does to which the system gives too little.
NO_MEMORY = "raise MemoryError('no more')"
NO_FILES = "import sys; print('a process may have only 9 files open'); sys.exit(71)"
KILLED = "import os; os.kill(os.getpid(), 9)"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    for text in (FIRST, SECOND):
        published(tmp_path / "index", text)
    return tmp_path / "index"


@pytest.mark.parametrize("more", range(14))
def test_no_older_snapshot_is_opened_for_want_of_descriptors(index: Path, more: int) -> None:
    with few_descriptors(more), pytest.raises(SystemLimit, match="files open"):
        open_newest(index, ENCODER)


def test_what_names_the_live_snapshot_is_not_damaged_either(index: Path) -> None:
    for read in (current_id, live_id, read_versions, read_manifest):
        with few_descriptors(0), pytest.raises(SystemLimit, match="files open"):
            read(index)


@pytest.mark.parametrize(
    ("code", "says"),
    [(NO_MEMORY, "too little memory"), (NO_FILES, "only 9 files open"), (KILLED, "was killed")],
)
def test_a_new_snapshot_that_could_not_be_read_back_is_not_set_aside(
    tmp_path: Path, code: str, says: str
) -> None:
    index = tmp_path / "index"
    old = published(index, FIRST)
    with pytest.raises(SystemLimit, match=says):
        published(index, SECOND, verify=lambda index, id: in_child(index, id, code))
    assert current_id(index) == old
    assert list(index.glob("bad-*")) == []
    assert published(index, SECOND, verify=in_child) == current_id(index)
