"""Lines of JSON, each an object: a corpus, questions, canaries, FAQ tables, eval sets."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rag.types.errors import UsageError


def json_lines(path: Path, form: str = "JSON object") -> Iterator[tuple[int, dict[str, Any]]]:
    """The number, from 1, and the object of each line that is not blank.

    Raises UsageError if the file cannot be read, and for a line that is no object. That error
    names file and line, and the `form` that a line should have.
    """
    try:
        with path.open("rb") as file:
            for number, line in filled_lines(file):
                yield number, _object(path, number, line, form)
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"{path} cannot be read ({why}): give a file of JSON lines") from error


def filled_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The number, from 1, and the bytes of each line that is not blank."""
    for number, line in enumerate(lines, start=1):
        # Of files that were joined, each may begin with a byte-order mark.
        line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield number, line


def json_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line. Raises ValueError, which says what the line is instead."""
    try:
        found = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        # The parser's own line number is always 1.
        raise ValueError(f"not JSON in UTF-8 ({error.msg}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON in UTF-8 ({error})") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _object(path: Path, number: int, line: bytes, form: str) -> dict[str, Any]:
    try:
        return json_object(line)
    except ValueError as error:
        raise UsageError(f"{path}:{number}: {error}; write one {form} a line") from error
