"""Writes a folder of everything that is made to harm a build, beside files that are sound."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path

from support.hostile_files import HOSTILE
from support.hostile_texts import HOSTILE_TEXTS

GB = 1 << 30
FILES = {**HOSTILE, **HOSTILE_TEXTS}
# What takes more than a second each.
SLOW = frozenset(
    {
        *("bomb.pdf", "bombs.pdf", "operators.pdf", "paths.pdf", "pages.pdf"),
        *("cells.csv", "parts.eml", "titles.rst"),
    }
)
SOUND = "# Bees\n\nBees fly over the hedge.\n"
NAMES = ("<script>.md", "right\u202eto left.md", "two\nlines.md", "e\u0301.md", "\xe9.md", "A.md")


def write_hostile(folder: Path, names: Iterable[str]) -> None:
    """Writes the files of these names."""
    for name in names:
        (folder / name).write_bytes(FILES[name]())


def write_places(folder: Path) -> None:
    """Writes links, pipes, sockets, odd names, a deep tree and a file of 1 GB without content."""
    (folder / "shadow.txt").symlink_to("/etc/shadow")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "nothing.md").symlink_to("gone.md")
    (folder / "up").symlink_to(folder)
    (folder / "zero.txt").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        # The name of a socket is short; a folder of tests has a long one.
        before = os.getcwd()
        os.chdir(folder)
        listener.bind("socket.md")
        os.chdir(before)
    with (folder / "sparse.txt").open("wb") as file:
        file.truncate(GB)
    (folder / "folder.pdf").mkdir()
    deep = folder.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "deep.md").write_text(SOUND)
    for name in (*NAMES, f"{'n' * 252}.md"):
        (folder / name).write_text(SOUND)
    (folder / os.fsdecode(b"bytes \xff.md")).write_text(SOUND)
    (folder / "linked.md").hardlink_to(folder / "A.md")
    (folder / "unknown.xyz").write_bytes(b"\0\1")
