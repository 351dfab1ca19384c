"""The one seam through which an index is written: every file operation, and its durability."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class Files:
    """File operations on a local disk. What a call has returned from survives a power cut.

    Tests hand in a subclass that records, fails or dies at a chosen step.
    """

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Writes a new file, readable by its owner alone, and syncs it."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def make_dir(self, path: Path) -> None:
        """Makes a folder that only its owner may enter."""
        path.mkdir(mode=0o700)

    def sync_dir(self, path: Path) -> None:
        """Syncs a folder's entries: names made, renamed or removed in it."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Renames; a file at the target is replaced in one step."""
        os.replace(source, target)

    def remove(self, path: Path) -> None:
        """Removes a file, or a folder with all it holds; nothing there is no error."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
