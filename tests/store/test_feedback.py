"""The table of feedback in the index folder."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rag.store.entries import check_entries
from rag.store.feedback import FEEDBACK, add_feedback, read_feedback
from rag.types.errors import IndexNotWritable, UsageError
from support.feedback import missing
from support.snapshots import FIRST, published

FULL = replace(
    missing("Who pays?"),
    verdict="helpful",
    comment="a “quote” 👍",
    passage_id="p1",
    document_id="a.md",
    sha256="0" * 64,
    char_start=3,
    char_end=9,
    quote="adults",
)


def test_what_is_added_is_read_oldest_first(tmp_path: Path) -> None:
    given = [FULL, missing("Who rides?")]
    for each in given:
        add_feedback(tmp_path, each)
    assert read_feedback(tmp_path) == given


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    add_feedback(tmp_path, FULL)
    assert (tmp_path / FEEDBACK).stat().st_mode & 0o777 == 0o600


def test_without_a_table_there_is_none_and_reading_makes_none(tmp_path: Path) -> None:
    assert read_feedback(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_it_is_read_page_by_page(tmp_path: Path) -> None:
    given = [missing(f"Q{at}?") for at in range(3)]
    for each in given:
        add_feedback(tmp_path, each)
    assert read_feedback(tmp_path, limit=2) == given[:2]
    assert read_feedback(tmp_path, after=given[1].id) == given[2:]
    with pytest.raises(UsageError, match="no feedback has this id"):
        read_feedback(tmp_path, after="none")


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    given = [missing(f"Q{at}?") for at in range(5)]
    for each in given:
        add_feedback(tmp_path, each, most=3)
    assert read_feedback(tmp_path) == given[2:]


def test_several_write_it_together(tmp_path: Path) -> None:
    given = [missing(f"Q{at}?") for at in range(20)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: add_feedback(tmp_path, each), given))
    assert {each.id for each in read_feedback(tmp_path)} == {each.id for each in given}


def test_a_damaged_table_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FEEDBACK).write_bytes(b"no table at all, but long enough to be looked at" * 20)
    with pytest.raises(UsageError, match=r"feedback\.sqlite cannot be read .* move it elsewhere"):
        read_feedback(tmp_path)
    with pytest.raises(IndexNotWritable, match=r"feedback\.sqlite cannot be written"):
        add_feedback(tmp_path, FULL)


def test_a_row_that_nobody_could_have_given_is_refused(tmp_path: Path) -> None:
    add_feedback(tmp_path, FULL)
    rows = sqlite3.connect(tmp_path / FEEDBACK)
    with rows:
        rows.execute("update feedback set verdict = 'splendid'")
    rows.close()
    with pytest.raises(UsageError, match="Invalid enum value 'splendid'"):
        read_feedback(tmp_path)


def test_a_folder_with_feedback_alone_may_become_an_index(tmp_path: Path) -> None:
    add_feedback(tmp_path / ".", FULL)
    check_entries(tmp_path)


def test_feedback_outlives_a_build(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    add_feedback(tmp_path / "index", FULL)
    published(tmp_path / "index", "Other words altogether.")
    assert read_feedback(tmp_path / "index") == [FULL]
