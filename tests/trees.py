"""Files for the tests of what is read."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, content: str | bytes = "Text.") -> Path:
    """The file, written, and the folders above it made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
