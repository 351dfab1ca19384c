"""Specific terms: the numbers, identifiers and names that a question asks about.

To token vectors KZ-300-B and KZ-300-A are nearly the same, and so are two years or two names. So
these terms are looked up letter by letter in the passage and the headings above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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
# A long question is looked up by its first terms: each takes a pattern of its own.
_MOST = 16
# `rooms 12 and 13` has room 13, `Room 12 | 13 euros` has not.
_PARTED = regex.compile(r"[|:;\n]")
_BETWEEN = r"(?: \w+){0,2} "


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
        text, folded = match[0], tuple(words(match[0]))
        beside = question[end : match.start()] == " "
        if not folded:
            continue
        if _DIGIT.search(text):
            after = _stem_of(before) if beside else ""
            found.append(Term(f"{before} {text}" if after else text, folded, True, after))
        elif _is_name(question, match.start(), text):
            if beside and found and found[-1].text.endswith(before) and not found[-1].is_number:
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
    rest = [term for term in terms if not _pattern(rf"\b{regex.escape(term.text)}\b").search(text)]
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


def _is_name(question: str, at: int, text: str) -> bool:
    if not _CAPITAL.search(text) or text == "I" or question.isupper():
        return False
    return (text.isupper() and len(text) > 1) or not _START.search(question, 0, at)


def _has_number(term: Term, found: Sequence[str], text: str) -> bool:
    """Whether the number is there; after the word that it follows in the question, if that is
    there too."""
    number, word = _spelled(term), rf"\b{regex.escape(term.after)}\w*"
    told = " ".join(found)
    if not _pattern(rf"\b{number}\b").search(told):
        return False
    if not term.after or not _pattern(word).search(told):
        return True
    after = _pattern(rf"{word}{_BETWEEN}{number}\b")
    return any(after.search(" ".join(words(part))) for part in _PARTED.split(text))


def _has_name(term: Term, found: Sequence[str], initials: str) -> bool:
    whole = "".join(term.words)
    if len(whole) in _INITIALS and whole in initials:
        return True
    if _pattern(rf"\b{_spelled(term)}\b").search(" ".join(found)):
        return True
    return all(_is_named(word, found) for word in term.words)


@lru_cache(maxsize=64)
def _pattern(pattern: str) -> regex.Pattern[str]:
    """The pattern, compiled once for the passages of a question.

    `regex` would keep the last five hundred itself, which are megabytes.
    """
    return regex.compile(pattern, cache_pattern=False)


def _spelled(term: Term) -> str:
    """A pattern for the term in words joined by blanks, however it is divided."""
    return " ?".join(map(regex.escape, "".join(term.words)))


def _stem_of(word: str) -> str:
    """The stem of a word, "" of a number and a stop word."""
    found = stems(words(word))
    return found[0] if found and not _DIGIT.search(word) else ""


def _is_named(word: str, found: Sequence[str]) -> bool:
    """Whether a word of a name is among the words, or one that begins as it does."""
    return any(
        each == word
        or (min(len(each), len(word)) >= _STEM and (each.startswith(word) or word.startswith(each)))
        for each in found
    )
