"""Sentences of a text, by rule.

A sentence ends after `.`, `!`, `?` or `…` and the quotes, brackets and footnote marks that close
on it, where blank space follows; after a CJK stop also without it. It does not end
- before a lower-case letter, or before the dash of an attribution;
- after an abbreviation or initial (`Dr.`, `e.g.`, `J.`); one that may well close a sentence
  (`etc.`, `U.S.`) ends it only before a word that mostly opens one (`The`, `In`);
- after the number of an item (`1.`).
Blank lines, list items, table rows and lines that end in a colon are bounds too. Any other line
end is blank space, so that hard-wrapped prose stays whole.
"""

from __future__ import annotations

import re

from rag.text.lines import line_spans, trimmed

_CLOSERS = r"[\"'”’»›)\]}*_`」』）】〉》]*(?:\[\d{1,3}\])*"
_STOP = re.compile(rf"(?:[.!?…]+|(?P<cjk>[。！？｡]+)){_CLOSERS}")
_NOT_BLANK = re.compile(r"\S")
_ALPHANUMERIC = re.compile(r"[^\W_]")
_WORD = re.compile(r"[A-Za-z]+")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING = re.compile(r"\s*#{1,6}\s")
_ACRONYM = re.compile(r"(?:[a-z]\.)+[a-z]")
_LONGEST_ABBREVIATION = 12

_TITLES_AND_REFERENCES = """
    dr mr mrs ms mx prof rev hon gen col capt lt sgt gov sen rep pres st mt vs cf viz e.g i.e eg ie
    ca approx resp esp dept univ assn fig figs eq eqs ref refs sec ch chap vol vols pp ed eds al
    jan feb mar apr jun jul aug sept sep oct nov dec
"""
_COMMON_OPENERS = """
    After All Also An And As At Because Before But By Each For From He Her His How However If In It
    Its Many More Most My No Not On One Other Our Several She Since So Some That The Their Then
    There These They This Those Though Thus To Today Under Until We What When Where Which While Who
    Why With You Your
"""
_NEVER_LAST = frozenset(_TITLES_AND_REFERENCES.split())
_LAST_BUT_BEFORE_NUMBERS = frozenset(["no", "nos", "p", "art", "ver"])
_SOMETIMES_LAST = frozenset(["etc", "inc", "ltd", "co", "corp", "bros", "jr", "sr", "esq"])
_OPENERS = frozenset(_COMMON_OPENERS.split())


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
    word = _ALPHANUMERIC.search(text, start, end)
    for stop in _STOP.finditer(text, start, end):
        if word is None or stop.end() == end:
            break
        if word.start() < stop.start() and _ends_sentence(text, stop, start, end):
            found.append(trimmed(text, start, stop.end()))
            start = stop.end()
            word = _ALPHANUMERIC.search(text, start, end)
    found.append(trimmed(text, start, end))
    return [(first, last) for first, last in found if first < last]


def _ends_sentence(text: str, stop: re.Match[str], start: int, end: int) -> bool:
    following = _NOT_BLANK.search(text, stop.end(), end)
    if following is None or stop["cjk"]:
        return following is not None
    after = following.start()
    if after == stop.end() or text[after].islower() or text[after] in "–—":
        return False
    if text[stop.start()] != "." or text[stop.start() + 1] in ".!?…":
        return True
    return not _is_abbreviated(text, stop.start(), start, after, end)


def _is_abbreviated(text: str, dot: int, start: int, after: int, end: int) -> bool:
    """Whether the word before `dot` is short for something and so does not end the sentence."""
    words = text[max(start, dot - _LONGEST_ABBREVIATION) : dot].split()
    if not words or text[dot - 1].isspace():
        return False
    word = words[-1].lstrip("(['\"“‘*_")
    if word.lower() in _NEVER_LAST:
        return True
    if word.isdigit():
        return len(word) <= 3 and len(words) == 1 and text[start:dot].strip() == word
    if word.lower() in _LAST_BUT_BEFORE_NUMBERS:
        return text[after].isdigit()
    initial = len(word) == 1 and word.isupper()
    if initial or word.lower() in _SOMETIMES_LAST or _ACRONYM.fullmatch(word.lower()):
        opener = _WORD.match(text, after, end)
        return not (opener and opener.group() in _OPENERS)
    return False
