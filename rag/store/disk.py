"""All writes to an index go through here; tests pass disks that fail or die at any step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def free_bytes(path: Path) -> int:
    """The bytes that may still be written to the disk that holds the folder."""
    return shutil.disk_usage(path).free


class Files:
    """File operations on a local disk; what is synced survives a power cut, the rest may not."""

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Writes a new file, readable by its owner alone, and syncs it."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            self.sync_file(path, file.fileno())

    def sync_file(self, path: Path, descriptor: int) -> None:
        """Syncs the content of an open file. After an error the file must not be used."""
        os.fsync(descriptor)

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

    def free(self, path: Path) -> int:
        """The bytes that may still be written to the disk that holds the folder."""
        return free_bytes(path)


DISK = Files()
