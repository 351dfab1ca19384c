"""Sentences of a text, by rule, in any script.

Stops are the characters that Unicode lists as sentence terminals. Those of scripts that put no
blank after them, or use them for nothing else (`。` `।` `؟` `۔`), always end a sentence. After `.`,
`!`, `?`, `…` or the `;` that asks in Greek, and the quotes, brackets and footnote marks that close
on it, a sentence ends if blank space follows, but not
- before a lower-case letter, or before the dash of an attribution;
- after an abbreviation or initial (`Dr.`, `z. B.`, `J.`); one that may well close a sentence
  (`etc.`, `U.S.`) ends it only before a word that mostly opens one (`The`, `Die`);
- after a number that counts: that of an item (`1.`), or a German ordinal (`am 3. Oktober`).
Blank lines, list items, table rows and lines that end in a colon are bounds too. Any other line
end is blank space, so that hard-wrapped prose stays whole. In Thai, which has no stops, a blank
between long runs of letters ends a sentence.
"""

from __future__ import annotations

import regex

from rag.text.abbreviations import (
    BEFORE_OPENERS,
    BEFORE_ORDINALS,
    MONTHS,
    NEVER_LAST,
    NOT_BEFORE_NUMBERS,
    OPENERS,
)
from rag.text.lines import line_spans, trimmed

# `“`, `«` and the French ` »` close a quotation if a blank follows, else they open one.
_CLOSERS = r"(?:[\"'”’»›)\]}*_`」』）】〉》]|(?:[“«]|[ \u00a0\u202f]»)(?=\s))*(?:\[\d{1,3}\])*"
_STOP = regex.compile(
    rf"(?:[.!?…]+|(?<=\p{{Greek}});|(?P<always>[\p{{Sentence_Terminal}}--[.!?]]+)){_CLOSERS}",
    regex.VERSION1,
)
# Thai writes no stops. A blank ends a sentence there, or a clause; but it also parts names and
# numbers, so that long runs of letters must stand on both sides. ICU has no rule for it.
_THAI_BLANK = regex.compile(r"(?<=\p{Thai}{20})(?<!ๆ)\s+(?=\p{Thai}{10})")
_NOT_BLANK = regex.compile(r"\S")
_ALPHANUMERIC = regex.compile(r"[\p{L}\p{N}]")
_WORD = regex.compile(r"\p{L}+")
# Georgian letters are small by Unicode, and open sentences all the same.
_CASELESS = regex.compile(r"\p{Georgian}")
_INITIAL = regex.compile(r"\p{L}\.")
_ITEM = regex.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING = regex.compile(r"\s*#{1,6}\s")
_ACRONYM = regex.compile(r"(?:\p{L}\.)+\p{L}")
_LONGEST_ABBREVIATION = 12


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The spans of the sentences of `text[start:end]`, in order, without the blank around them."""
    stop = len(text) if end is None else min(end, len(text))
    found = []
    for first, last in _runs(text, start, stop):
        found.extend(_split(text, first, last))
    return found


def _runs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The spans between the bounds that lines make."""
    runs: list[tuple[int, int]] = []
    # Whether the line above ends what it belongs to, and whether that is an item.
    closed, in_item = True, False
    for first, last in line_spans(text, start, end):
        line = text[first:last]
        if not line or line.isspace():
            closed = True
            continue
        is_item, is_row = _ITEM.match(line) is not None, _is_row(line)
        opens = is_item or is_row or _HEADING.match(line) is not None
        if closed or opens or (in_item and not line[0].isspace() and not line[0].islower()):
            runs.append((first, last))
            in_item = is_item
        else:
            runs[-1] = (runs[-1][0], last)
        closed = is_row or line.rstrip().endswith((":", "："))
    return runs


def _is_row(line: str) -> bool:
    return " | " in line or line.lstrip().startswith("|") or line.rstrip().endswith("|")


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    has_blanks = _THAI_BLANK.search(text, start, end) is not None
    word = _ALPHANUMERIC.search(text, start, end)
    for stop in _STOP.finditer(text, start, end):
        if word is None or stop.end() == end:
            break
        if word.start() < stop.start() and _ends_sentence(text, stop, start, end):
            found.append(trimmed(text, start, stop.end()))
            start = stop.end()
            word = _ALPHANUMERIC.search(text, start, end)
    found.append(trimmed(text, start, end))
    if not has_blanks:
        return [(first, last) for first, last in found if first < last]
    return [part for first, last in found for part in _at_blanks(text, first, last)]


def _at_blanks(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of a sentence between the blanks that end one in Thai; none if it is empty."""
    blanks = [blank.span() for blank in _THAI_BLANK.finditer(text, start, end)]
    bounds = [start, *(at for blank in blanks for at in blank), end]
    return [part for part in zip(bounds[::2], bounds[1::2], strict=True) if part[0] < part[1]]


def _ends_sentence(text: str, stop: regex.Match[str], start: int, end: int) -> bool:
    following = _NOT_BLANK.search(text, stop.end(), end)
    if following is None:
        return False
    after = following.start()
    if stop["always"]:
        inside = text[stop.start() - 1].isdigit() and text[stop.start() + 1].isdigit()
        # What is said and the word that reports it: 「はい。」と言った。
        reported = stop[0][-1] in "」』" and text[after] == "と"
        return not (inside or reported or _is_item(text, start, stop.start()))
    goes_on = text[after] in "–—" or (text[after].islower() and not _CASELESS.match(text[after]))
    if after == stop.end() or goes_on:
        return False
    if text[stop.start()] != "." or text[stop.start() + 1] in ".!?…":
        return True
    return not _is_abbreviated(text, stop.start(), start, after, end)


def _is_item(text: str, start: int, dot: int) -> bool:
    """Whether nothing but the number of an item stands before the stop."""
    return dot - start <= _LONGEST_ABBREVIATION and text[start:dot].strip().isdigit()


def _is_abbreviated(text: str, dot: int, start: int, after: int, end: int) -> bool:
    """Whether the word before `dot` is short for something and so does not end the sentence."""
    words = text[max(start, dot - _LONGEST_ABBREVIATION) : dot].split()
    if not words or text[dot - 1].isspace():
        return False
    word = words[-1].lstrip("(['\"“„‘*_")
    above = words[-2] if len(words) > 1 else ""
    short = word.lower()
    following = _WORD.match(text, after, end)
    opener = following is not None and following[0] in OPENERS
    if word.isdigit():
        ordinal = above.lower() in BEFORE_ORDINALS or (following and following[0] in MONTHS)
        return len(word) <= 3 and (_is_item(text, start, dot) or bool(ordinal and not opener))
    if short in NEVER_LAST:
        return True
    if short in NOT_BEFORE_NUMBERS or short.endswith(("straße", "str")):
        return text[after].isdigit() or text[after] == "§"
    if short in BEFORE_OPENERS or _ACRONYM.fullmatch(short):
        return not opener
    # A small letter alone is a word, as in `point a.`; beside another it is an initial: `z. B.`
    beside = _INITIAL.match(text, after, end) or _INITIAL.fullmatch(above)
    initial = len(word) == 1 and word.isalpha() and (beside or not word.islower())
    return bool(initial) and not opener
