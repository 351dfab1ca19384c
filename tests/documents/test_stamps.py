"""A file is read again whenever it may have changed."""

import os
import time
from pathlib import Path

import pytest

from rag.documents import Known, read_stamps, write_stamps
from rag.documents.beneath import stamp_of
from rag.documents.corpus import read_corpus
from rag.documents.stamps import SETTLED, Stamps, settled


def stamps(folder: Path) -> Stamps:
    """The stamps of the files as a later build would keep them."""
    digest = "0" * 64
    return {
        str(path): (stamp, digest)
        for path in folder.iterdir()
        if (stamp := stamp_of(folder, path)) is not None
    }


def test_a_file_that_has_just_been_changed_has_no_settled_stamp(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Ants.")
    stamp, now = stamp_of(tmp_path, tmp_path / "a.md"), time.time_ns()
    assert stamp and settled(stamp, now) is None
    assert settled(stamp, stamp[4] + SETTLED) is None
    assert settled(stamp, stamp[4] + SETTLED + 1) == stamp
    assert settled(None, now) is None
    assert read_corpus([tmp_path]).stamps == {}


def test_an_edit_that_keeps_size_and_time_gives_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("Ants.")
    os.utime(path, ns=(0, 0))
    before = stamp_of(tmp_path, path)
    time.sleep(0.02)
    path.write_text("Bees.")
    os.utime(path, ns=(0, 0))
    after = stamp_of(tmp_path, path)
    assert before and after and before[:4] == after[:4]
    assert before != after


def test_links_and_missing_files_have_no_stamp_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Ants.")
    (tmp_path / "b.md").symlink_to("a.md")
    assert stamp_of(tmp_path, tmp_path / "b.md") != stamp_of(tmp_path, tmp_path / "a.md")
    assert stamp_of(tmp_path, tmp_path / "c.md") is None


def test_stamps_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Ants.")
    kept = stamps(tmp_path)
    for _ in range(2):
        write_stamps(tmp_path / "STAMPS", kept)
    assert read_stamps(tmp_path / "STAMPS") == kept
    assert (tmp_path / "STAMPS").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("end", [0, 31, 32, 40, -1])
def test_stamps_that_were_not_written_whole_are_not_used(tmp_path: Path, end: int) -> None:
    path = tmp_path / "STAMPS"
    write_stamps(path, {"a": ((1, 2, 3, 4, 5), "0" * 64)})
    path.write_bytes(path.read_bytes()[:end])
    assert read_stamps(path) == {}


def test_a_path_that_is_not_utf_8_costs_the_stamps_alone(tmp_path: Path) -> None:
    write_stamps(tmp_path / "STAMPS", {"caf\udce9/a.md": ((1, 2, 3, 4, 5), "0" * 64)})
    assert read_stamps(tmp_path / "STAMPS") == {}


def test_where_no_stamps_can_be_written_there_are_none(tmp_path: Path) -> None:
    write_stamps(tmp_path / "missing" / "STAMPS", {})
    assert read_stamps(tmp_path / "missing" / "STAMPS") == {}
    os.mkfifo(tmp_path / "STAMPS")
    assert read_stamps(tmp_path / "STAMPS") == {}


def test_stamps_of_unknown_documents_save_no_reading(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "a.md").write_text("Ants.")
    found = read_corpus([folder], Known(stamps=stamps(folder)))
    assert found.documents[0].document.text == "Ants."
