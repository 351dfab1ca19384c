"""Opening below a folder: no link is followed on the way, and nothing endless is read."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from rag.documents.beneath import NotRegular, TooLarge, folder_entries, read_beneath
from support.file_trees import write


def test_entries_are_told_apart_and_ordered(tmp_path: Path) -> None:
    write(tmp_path / "b" / "x.md")
    write(tmp_path / "c.md")
    (tmp_path / "a").symlink_to("b")
    os.mkfifo(tmp_path / "d")
    assert folder_entries(tmp_path, tmp_path) == [
        ("a", "link"),
        ("b", "folder"),
        ("c.md", "file"),
        ("d", "file"),
    ]
    assert folder_entries(tmp_path, tmp_path / "b") == [("x.md", "file")]


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = write(tmp_path / "a" / "b.md", b"12345")
    assert read_beneath(tmp_path, file, 5) == b"12345"
    with pytest.raises(TooLarge) as caught:
        read_beneath(tmp_path, file, 4)
    assert caught.value.size == 5


def test_a_path_that_has_become_a_link_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path / "secret" / "sub" / "a.md", b"secret")
    anchor = tmp_path / "anchor"
    anchor.mkdir()
    (anchor / "docs").symlink_to("../secret")
    (anchor / "a.md").symlink_to("../secret/sub/a.md")
    with pytest.raises(NotADirectoryError):
        read_beneath(anchor, anchor / "docs" / "sub" / "a.md", 10)
    with pytest.raises(NotADirectoryError):
        folder_entries(anchor, anchor / "docs" / "sub")
    with pytest.raises(NotRegular):
        read_beneath(anchor, anchor / "a.md", 10)


def test_a_folder_exchanged_for_a_link_again_and_again_never_gives_the_file_behind_it(
    tmp_path: Path,
) -> None:
    write(tmp_path / "outside" / "a.md", b"secret")
    write(tmp_path / "in" / "real" / "a.md", b"public")
    (tmp_path / "in" / "link").symlink_to("../outside")
    done = threading.Event()

    def exchange() -> None:
        inside = tmp_path / "in"
        while not done.is_set():
            os.rename(inside / "real", inside / "docs")
            os.rename(inside / "docs", inside / "real")
            os.rename(inside / "link", inside / "docs")
            os.rename(inside / "docs", inside / "link")

    thread = threading.Thread(target=exchange)
    thread.start()
    seen = set()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            seen.add(read_beneath(tmp_path / "in", tmp_path / "in" / "docs" / "a.md", 10))
        except OSError as error:
            seen.add(type(error))
    done.set()
    thread.join()
    assert b"public" in seen and b"secret" not in seen


def test_pipes_sockets_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.md"))
        for path in (tmp_path / "pipe.md", tmp_path / "s.md", Path("/dev/zero"), tmp_path):
            with pytest.raises(NotRegular):
                read_beneath(path.parent, path, 10)


def test_a_file_that_says_it_is_empty_is_read_up_to_the_limit() -> None:
    status = Path("/proc/self/status")
    assert status.stat().st_size == 0
    assert read_beneath(status.parent, status, 100_000).startswith(b"Name:")
    with pytest.raises(TooLarge):
        read_beneath(status.parent, status, 10)


def test_a_file_that_never_ends_does_not_hang() -> None:
    endless = Path("/proc/kmsg")
    if not os.access(endless, os.R_OK):
        pytest.skip("the log of the kernel is closed")
    with pytest.raises((BlockingIOError, TooLarge, PermissionError)):
        read_beneath(endless.parent, endless, 1 << 20)
