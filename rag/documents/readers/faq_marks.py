"""Marks that open a question or an answer: `Q:`, `Q1.`, `[Q]`, `QUESTION 2:`, `Frage:`, `Q：`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag.documents.readers.faq_words import PAIR_WORDS, folded
from rag.documents.readers.labels import asks


def _written(words: set[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _mark(words: set[str]) -> re.Pattern[str]:
    """A word, maybe with a number, and a stop; both maybe in bold."""
    return re.compile(
        rf"\s*(?P<bold>[*_]{{0,3}})(?P<open>\[?)(?P<word>{_written(words)})"
        r"(?P<number>\s?#?\d{1,3})?(?P=bold)?"
        r"(?P<stop>\s?[:：](?![\\/])|[.)\]]|\s[-–—](?=\s))(?P=bold)?(?P<gap>\s*)",
        re.IGNORECASE,
    )


_QUESTION = _mark({word for asked, _ in PAIR_WORDS.values() for word in asked})
_ANSWER = _mark({word for _, answered in PAIR_WORDS.values() for word in answered})
_ANSWERS = {
    folded(word): frozenset(
        folded(answer)
        for asked, answered in PAIR_WORDS.values()
        if word in asked
        for answer in answered
    )
    for words, _ in PAIR_WORDS.values()
    for word in words
}
_OPENS = frozenset(
    letter
    for pair in PAIR_WORDS.values()
    for words in pair
    for word in words
    for letter in (word[0], word[0].upper())
) | {"*", "_", "["}
_ASKED = re.compile(r"[?？؟][\"'”’»*_)]*(?P<gap>\s+|<br ?/?>\s*)(?=\S)")
_SIGN = re.compile(r":[ \t]+(?=\S)|[-=~*_]{3,}[ \t]*(?=[\r\n]|$)")
_STRONG = (":", "：", ".", ")", "]")
# From here on a single character is a word.
_IDEOGRAPHS = "\u2e80"
# A mark is no longer than this, and no question than that.
_LONGEST = 40
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark and where the text behind it begins.

    A `strong` one is `Q`, `A` or a whole word; another is a mark only in a pair. One that stands
    `alone` needs no other: it is strong and closes with a colon. `answers` are the words that may
    open the answer; of an answer's mark, its own.
    """

    end: int
    bold: str
    strong: bool
    alone: bool
    answers: frozenset[str]

    def answered_by(self, answer: Mark) -> bool:
        """Whether that is the mark of an answer in the same language."""
        return bool(self.answers & answer.answers)


def question_mark(text: str, start: int, end: int) -> Mark | None:
    """The mark of a question that opens a span and has text behind it.

    `Q. Horatius` is no question: after an initial only a question mark tells.
    """
    found = _found(_QUESTION, text, start, end)
    if found is None or found.end() == end:
        return None
    word = folded(found["word"])
    mark = _mark_of(found, "q", _ANSWERS[word])
    first_line = text[found.end() : min(end, found.end() + _LONGEST_LINE)].split("\n", 1)[0]
    if asks(first_line):
        return replace(mark, alone=mark.strong)
    initial = word == "q" and found["stop"] == "." and not found["number"]
    return mark if word in ("q", "question") and not initial else None


def answer_mark(text: str, start: int, end: int) -> Mark | None:
    """The mark of an answer that opens a span."""
    found = _found(_ANSWER, text, start, end)
    return _mark_of(found, "a", frozenset([folded(found["word"])])) if found else None


def inline_answer(text: str, start: int, end: int, question: Mark) -> tuple[int, Mark] | None:
    """Where a question ends whose answer follows on the same line, and the answer's mark."""
    for asked in _ASKED.finditer(text, start, end):
        found = answer_mark(text, asked.end(), end)
        if found and question.answered_by(found):
            return asked.start("gap"), found
    return None


def behind_sign(text: str, start: int, end: int) -> int:
    """Where an answer begins that opens with the sign of a definition (`: `), or with a rule below
    its question; the start if it opens with neither."""
    found = _SIGN.match(text, start, end)
    return found.end() if found else start


def is_marked(line: str) -> bool:
    """Whether a line opens with `Q:` or `A:`, or with a like mark."""
    line = line[:_LONGEST]
    marks = (question_mark(line, 0, len(line)), answer_mark(line, 0, len(line)))
    return any(mark is not None and mark.strong for mark in marks)


def _found(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    """The mark of that form; after a full stop there must be a blank, before a bracket a number."""
    opens = text[start : min(end, start + _LONGEST)].lstrip()[:1]
    found = pattern.match(text, start, end) if opens in _OPENS else None
    if found is None or (found["stop"] == ")" and not found["number"]):
        return None
    if bool(found["open"]) != (found["stop"] == "]"):
        return None
    needs_blank = found["stop"] in (".", ")", "]") and found.end() < end
    return None if needs_blank and not found["gap"] else found


def _mark_of(found: re.Match[str], letter: str, answers: frozenset[str]) -> Mark:
    word, stop = found["word"], found["stop"].strip()
    is_word = len(word) > 1 or word >= _IDEOGRAPHS
    strong = stop in _STRONG and not word[0].islower() and (is_word or word == letter.upper())
    colon = stop == "：" or (stop == ":" and (bool(found["gap"]) or found.end() == found.endpos))
    return Mark(found.start("gap"), found["bold"], strong, strong and colon, answers)
