"""Text files read line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.types.errors import UsageError


def text_lines(path: Path) -> Iterator[str]:
    """The file's lines with their ends; raises UsageError if it cannot be read or is not UTF-8."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from file
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 at byte {error.start}: convert it, for example by "
            f"`iconv -f latin1 -t utf-8 {path.name}`"
        ) from error


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """The number, from 1, and the text of each line that is not blank."""
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            yield number, line.rstrip("\r\n")
