"""Ruling lines that a page draws with characters, as printouts do: `|---+---|` and `| a | b |`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.documents.readers.pdf_page import RulingLine, Word

_ACROSS = re.compile(r"[|+]?[-=_]{5,}[-=_+|]*")
_UPRIGHT = re.compile(r"(\|)")
# A page with fewer of them draws no table.
_LEAST_ACROSS = 3
_LEAST_UPRIGHT = 6


def typed_rules(words: Sequence[Word]) -> tuple[list[Word], list[RulingLine]]:
    """The words without the characters that draw a table, and the rules that these draw."""
    across = [word for word in words if _ACROSS.fullmatch(word.text)]
    uprights = sum(word.text.count("|") for word in words)
    if len(across) < _LEAST_ACROSS or uprights < _LEAST_UPRIGHT:
        return list(words), []
    kept: list[Word] = []
    rules: list[RulingLine] = []
    for word in words:
        middle, reach = (word.top + word.bottom) / 2, (word.bottom - word.top) / 2
        if _ACROSS.fullmatch(word.text):
            rules.append(RulingLine(word.x0, middle, word.x1, middle))
            continue
        for piece in _pieces(word):
            if piece.text != "|":
                kept.append(piece)
                continue
            # It meets the rules in the lines above and below.
            x = (piece.x0 + piece.x1) / 2
            rules.append(RulingLine(x, piece.top - reach, x, piece.bottom + reach))
    return kept, rules


def _pieces(word: Word) -> Iterator[Word]:
    """The word, parted at each `|`: such pages are written in letters of one width."""
    width = (word.x1 - word.x0) / len(word.text)
    at = word.x0
    for text in _UPRIGHT.split(word.text):
        if text:
            yield replace(word, text=text, x0=at, x1=at + width * len(text))
        at += width * len(text)
