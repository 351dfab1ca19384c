"""Text that comes in parts becomes sentences with the numbers of the passages that they cite."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text import sentences

_NUMBERS = re.compile(r"\s*[\[【]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
# Citations after the stop belong to the sentence before: `It is free. [1] Next.`
_AFTER_STOP = re.compile(r"([.!?…。！？]+[\"'”’»)]*)((?:\s*[\[【][\d\s,;]+[\]】])+)")
# The beginning of citations, of which more may come.
_OPEN = re.compile(r"[\s\[【\]】\d,;]*")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence without its citations, and the numbers that these name, each once, in order."""

    text: str
    numbers: tuple[int, ...]


def split_off(text: str, ended: bool = False) -> tuple[list[Cited], str]:
    """The sentences that are complete, and the rest of the text.

    A sentence is complete when the next one has begun, as more citations may follow it.

    >>> split_off("Dogs ride free. [1] Cats")
    ([Cited(text='Dogs ride free.', numbers=(1,))], 'Cats')
    """
    moved = _AFTER_STOP.sub(r"\2\1 ", text)
    spans = [span for line in _lines(moved) for span in sentences(moved, *line)]
    kept = 0 if ended else 1
    if not ended and spans and _OPEN.fullmatch(moved, *spans[-1]):
        kept = 2
    done, left = spans[: len(spans) - kept], spans[len(spans) - kept :]
    rest = "" if ended else moved[left[0][0] :] if left else text
    found = [_cited(moved[start:end]) for start, end in done]
    return [each for each in found if each.text], rest


def _lines(text: str) -> list[tuple[int, int]]:
    """The spans of the lines: a model's line end is no hard wrap."""
    return [match.span() for match in re.finditer(r"[^\n]+", text)]


def _cited(sentence: str) -> Cited:
    listed = [int(each) for found in _NUMBERS.findall(sentence) for each in re.split("[,;]", found)]
    return Cited(_NUMBERS.sub("", sentence).strip(), tuple(dict.fromkeys(listed)))
