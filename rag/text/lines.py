"""Lines as editors count them: they end at LF, CRLF or CR alone."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

_LINE_END = re.compile(r"\r\n|\r|\n")


def line_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The spans of the lines of `text[start:end]` in order, without their line ends."""
    stop = len(text) if end is None else end
    spans = []
    for line_end in _LINE_END.finditer(text, start, stop):
        spans.append((start, line_end.start()))
        start = line_end.end()
    return [*spans, (start, stop)]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the blank space around it; empty if all of it is blank."""
    part = text[start:end]
    last = start + len(part.rstrip())
    return min(last, start + len(part) - len(part.lstrip())), last


class LineIndex:
    """Finds the line of a character offset, given where each line of the text starts."""

    def __init__(self, starts: Sequence[int]) -> None:
        self._starts = starts

    @classmethod
    def of(cls, text: str) -> LineIndex:
        """The index of a text, which is read once."""
        return cls([start for start, _ in line_spans(text)])

    def line_of(self, offset: int) -> int:
        """The 1-based line that holds the character at `offset`; a line end is on its line."""
        return bisect_right(self._starts, offset)
