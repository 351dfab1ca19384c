"""Lines told apart by form alone: records, boilerplate, questions that stand alone."""

from __future__ import annotations

import re
from itertools import pairwise

from rag.text import line_spans

_FEWEST = 3
_SHARE = 0.9
_OPENERS = "[(<#|•"
_STOPS = ".!?:;\"'”’)|"
_NEXT_SENTENCE = re.compile(r"[^\W\d_][.!?][\"'”’)]*(?:\[\d+\])*\s+[A-Z\d]")
_LONGEST_BOILERPLATE = 160
_BOILERPLATE = re.compile(
    r"\W*(?:<\w{1,9}>\W*)?(?:"
    r"(?:sources?|original(?: article)?|retrieved from|via|read more|quellen?|fuente|fonte|bron"
    r"|источник|来源|出典)\s*[:：][*_]*\s?.{0,80}?<?(?:https?://|www\.)\S+"
    r"|(?:(?:this\s+)?page\s+)?(?:was\s+)?"
    r"(?:last\s+(?:reviewed|updated|modified|edited|revised|checked)|next\s+review(?:\s+due)?)"
    r"(?:\s+(?:on|at|by)\b)?\s*:?\s.{0,40}?\d[\w\s,./:-]{0,20}"
    r"|(?:copyright|©|\(c\))\s.{0,80}"
    r")[\s)\]>*_.]*",
    re.IGNORECASE,
)


def are_records(text: str, start: int, end: int) -> bool:
    """Whether each line is an entry of its own (a list, a log, a verse), not wrapped prose.

    So are three lines or more, if nine of ten after the first open with a capital, a digit or a
    sign, and do not go on with a sentence that breaks off above (`... burns. The tank of O`, `2`);
    and two that have as many commas or tabs, and digits.
    """
    lines = [line for line in (text[a:b].strip() for a, b in line_spans(text, start, end)) if line]
    if len(lines) < _FEWEST:
        return len(lines) > 1 and _shape(lines[0]) == _shape(lines[1]) and _shape(lines[0])[0]
    opening = [
        (line[0].isupper() or line[0].isdigit() or line[0] in _OPENERS) and not _breaks_off(above)
        for above, line in pairwise(lines)
    ]
    return sum(opening) >= _SHARE * len(opening)


def _breaks_off(line: str) -> bool:
    """Whether a sentence ends inside a line, and the next one does not end with it."""
    return line[-1] not in _STOPS and _NEXT_SENTENCE.search(line) is not None


def _shape(line: str) -> tuple[bool, int, int]:
    is_entry = any(map(str.isdigit, line)) and ("," in line or "\t" in line)
    return is_entry, line.count(","), line.count("\t")


def is_boilerplate(text: str) -> bool:
    """Whether each line tells of the page, not of its subject: `Source: <url>`, `Last reviewed`."""
    lines = [line for line in (text[a:b].strip() for a, b in line_spans(text)) if line]
    return bool(lines) and all(
        len(line) <= _LONGEST_BOILERPLATE and _BOILERPLATE.fullmatch(line) for line in lines
    )


def is_question(text: str) -> bool:
    """Whether a text closes with a question mark, emphasis aside."""
    return text[-8:].rstrip(" \t*_`").endswith(("?", "？", "؟"))
