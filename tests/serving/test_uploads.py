"""Folders of uploads: written as sent, removed in the end, swept when nobody holds them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rag.building.origin import UPLOAD_MARKER
from rag.serving.uploads import PREFIX, sweep_uploads, upload_folder, write_files

HOLD = """
import subprocess, sys, tempfile, time
tempfile.tempdir = sys.argv[1]
from rag.building.origin import UPLOAD_MARKER
from rag.serving.uploads import upload_folder, write_files
with upload_folder() as upload:
    write_files(upload.folder, [("a.md", b"Ants.")])
    if sys.argv[2] == "build":
        subprocess.Popen(["sleep", "60"], pass_fds=[upload.lock])
    print(upload.folder, flush=True)
    time.sleep(60)
"""


def test_texts_are_written_as_they_are(tmp_path: Path) -> None:
    write_files(tmp_path, [("a.md", "é\r\n\n".encode()), ("b.txt", b"x")])
    assert (tmp_path / "a.md").read_bytes() == "é\r\n\n".encode()
    with pytest.raises(FileExistsError):
        write_files(tmp_path, [("b.txt", b"y")])


def test_an_upload_lasts_as_long_as_it_is_used() -> None:
    with upload_folder() as upload:
        write_files(upload.folder, [("a.md", b"Ants.")])
        assert upload.folder.parent == Path(tempfile.gettempdir()).resolve()
        assert upload.folder.stat().st_mode & 0o777 == 0o700
        sweep_uploads()
        assert (upload.folder / "a.md").read_text() == "Ants."
    assert not upload.folder.exists()


def killed(parent: Path, holder: str) -> tuple[Path, int]:
    """The folder of a process that was killed, and the group that it leaves behind."""
    command = [sys.executable, "-c", HOLD, str(parent), holder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().decode().strip())
        process.kill()
    assert (folder / "a.md").exists()
    return folder, process.pid


def test_what_a_killed_service_left_is_swept(tmp_path: Path) -> None:
    folder, _ = killed(tmp_path, "nobody")
    sweep_uploads(tmp_path)
    assert not folder.exists()


def test_what_a_build_still_reads_is_left(tmp_path: Path) -> None:
    folder, group = killed(tmp_path, "build")
    try:
        sweep_uploads(tmp_path)
        assert (folder / "a.md").exists()
    finally:
        os.killpg(group, signal.SIGKILL)


def test_only_folders_that_were_made_here_are_swept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs / f"{PREFIX}of-somebody"):
        folder.mkdir(parents=True)
        (folder / "thesis.md").write_text("Mine.")
    (mine / UPLOAD_MARKER).touch()
    (theirs / f"{PREFIX}link").symlink_to(mine)
    (theirs / f"{PREFIX}file").write_text("Mine.")
    (theirs / "rag-other").mkdir()
    (theirs / "rag-other" / UPLOAD_MARKER).touch()
    before = sorted(tmp_path.rglob("*"))
    sweep_uploads(theirs)
    assert sorted(tmp_path.rglob("*")) == before
    assert caplog.messages == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_folders_of_other_users_are_left(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}x"
    folder.mkdir()
    (folder / UPLOAD_MARKER).touch()
    os.chown(folder, 65534, 65534)
    sweep_uploads(tmp_path)
    assert folder.exists()
