"""Specific terms: the numbers, identifiers and names that a question asks about.

To token vectors KZ-300-B and KZ-300-A are nearly the same, and so are two years or two names. So
these terms are looked up letter by letter in the passage and the headings above it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import regex

from rag.text import stems, words

_TERM = regex.compile(r"[\p{L}\p{N}]+(?:[-./:_][\p{L}\p{N}]+)*")
_DIGIT = regex.compile(r"\p{N}")
_CAPITAL = regex.compile(r"\p{Lu}")
_CAPITALS = regex.compile(r"\b\p{Lu}")
# After these a capital says nothing.
_START = regex.compile(r"(?:^|[.?!:])[^\p{L}\p{N}]*$")
# Shorter words are no stem of another: `India` is one of `Indian`.
_STEM = 4
_INITIALS = range(2, 6)
# A long question is looked up by its first terms.
_MOST = 16
# No pattern is made of what a question says: `regex` keeps something of each for good.
_EDGE = regex.compile(r"\b")
# `rooms 12 and 13` has room 13, `Room 12 | 13 euros` has not.
_PARTED = regex.compile(r"[|:;\n]")
# From the stem of a word to the number after it: the word's end, and none to two words.
_BETWEEN = tuple(regex.compile(rf"\w*(?: \w+){{{words}}} ") for words in range(3))


@dataclass(frozen=True, slots=True)
class Term:
    """A term as the question writes it, its words folded, and whether it holds a digit.

    `after` is the stem of the word directly before a number, which its text includes (`room 13`);
    "" if there is none.
    """

    text: str
    words: tuple[str, ...]
    is_number: bool
    after: str = ""


def specific_terms(question: str) -> tuple[Term, ...]:
    """The question's numbers, identifiers and names, in order.

    A name is a run of words with capitals. The first word of a sentence counts if it is all
    capitals. A question in capitals has no names.

    >>> [term.text for term in specific_terms("When did Ann Cole order part KZ-300-B?")]
    ['Ann Cole', 'part KZ-300-B']
    """
    found: list[Term] = []
    before, end = "", -1
    for match in _TERM.finditer(question):
        text, beside = match[0], question[end : match.start()] == " "
        is_number = _DIGIT.search(text) is not None
        # Most words are neither, and folding takes a while.
        folded = tuple(words(text)) if is_number or _is_name(question, match.start(), text) else ()
        if folded and is_number:
            after = _stem_of(before) if beside else ""
            found.append(Term(f"{before} {text}" if after else text, folded, True, after))
        elif folded:
            if beside and found and _goes_on(found[-1], before):
                last = found.pop()
                text, folded = f"{last.text} {text}", last.words + folded
            found.append(Term(text, folded, False))
        before, end = match[0], match.end()
    return tuple(found[:_MOST])


def missing_terms(terms: Sequence[Term], text: str) -> tuple[Term, ...]:
    """The terms that a text does not hold.

    A number or identifier may be divided in another way (`KX 200 A`, `kx-200-a`); if the text has
    the word before it, it must stand there (`room 13`). A name is also held in a longer or shorter
    form (`Indian`, `India`) or by the initials of capitalised words.

    >>> terms = specific_terms("Does Indian part KX-200-B differ from KX-200-A?")
    >>> [term.text for term in missing_terms(terms, "The part KX 200 A is made in India.")]
    ['part KX-200-B']
    """
    # Folding all words of a text takes a while; mostly the term stands there as it was typed.
    rest = [term for term in terms if not _stands(term.text, text)]
    if not rest:
        return ()
    found = words(text)
    initials = "".join(_CAPITALS.findall(text)).casefold()
    return tuple(
        term
        for term in rest
        if not (
            _has_number(term, found, text) if term.is_number else _has_name(term, found, initials)
        )
    )


def _goes_on(term: Term, before: str) -> bool:
    """Whether a word in capitals after the word `before` is one more of the term, a name."""
    return term.text.endswith(before) and not term.is_number and words(before) != []


def _is_name(question: str, at: int, text: str) -> bool:
    if not _CAPITAL.search(text) or text == "I" or question.isupper():
        return False
    return (text.isupper() and len(text) > 1) or not _START.search(question, 0, at)


def _has_number(term: Term, found: Sequence[str], text: str) -> bool:
    """Whether the number is there; after the word that it follows in the question, if that is
    there too."""
    told = " ".join(found)
    if not _is_spelled(term, told):
        return False
    if not term.after or not any(_begun(term.after, told)):
        return True
    return any(_follows(term, " ".join(words(part))) for part in _PARTED.split(text))


def _follows(term: Term, told: str) -> bool:
    """Whether the number stands after its word, at most two words later."""
    numbers = {start for start, end in _spelled(term, told) if _EDGE.match(told, end)}
    return any(
        (found := between.match(told, end)) and found.end() in numbers
        for end in (_begun(term.after, told) if numbers else ())
        for between in _BETWEEN
    )


def _has_name(term: Term, found: Sequence[str], initials: str) -> bool:
    whole = "".join(term.words)
    if len(whole) in _INITIALS and whole in initials:
        return True
    return _is_spelled(term, " ".join(found)) or all(_is_named(word, found) for word in term.words)


def _stands(term: str, text: str) -> bool:
    """Whether the term is in the text, and begins and ends where words do."""
    return any(_EDGE.match(text, end) for end in _begun(term, text))


def _begun(stem: str, text: str) -> Iterator[int]:
    """Where the stem ends in the text, if it is at the beginning of a word."""
    return (at + len(stem) for at in _places(stem, text) if _EDGE.match(text, at))


def _is_spelled(term: Term, told: str) -> bool:
    """Whether the term is in words joined by blanks, however it is divided."""
    return any(
        _EDGE.match(told, start) and _EDGE.match(told, end) for start, end in _spelled(term, told)
    )


def _spelled(term: Term, told: str) -> Iterator[tuple[int, int]]:
    """Where the letters of the term are in words joined by blanks, however they are divided."""
    whole, joined = "".join(term.words), told.replace(" ", "")
    if whole not in joined:
        return
    ends = list(accumulate(map(len, told.split(" "))))
    for first in _places(whole, joined):
        last = first + len(whole) - 1
        # Before a letter there is a blank for each word that ends before it.
        yield first + bisect_right(ends, first), last + bisect_right(ends, last) + 1


def _places(part: str, text: str) -> Iterator[int]:
    """Where the part begins in the text, each time, even within another one."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _stem_of(word: str) -> str:
    """The stem of a word, "" of a number and a stop word."""
    found = stems(words(word))
    return found[0] if found and not _DIGIT.search(word) else ""


def _is_named(word: str, found: Sequence[str]) -> bool:
    """Whether a word of a name is among the words, or one that begins as it does."""
    stem = word[:_STEM]
    if len(stem) < _STEM:
        return word in found
    near = (each for each in found if each.startswith(stem))
    return any(each.startswith(word) or word.startswith(each) for each in near)
