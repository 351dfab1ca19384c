"""Terms as BM25 counts them: stemmed words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import regex
import Stemmer

from rag.text.words import words

_NUMBER_AND_UNIT = regex.compile(r"(\d+)(\p{L}+)")
_HAN = regex.compile(r"\p{Han}{2,}")
_HANGUL = regex.compile(r"\p{Hangul}{3,}")


def matched(question: str, text: str) -> tuple[str, ...]:
    """The question's distinct words, in order, whose stems occur in the text too.

    >>> matched("Which procedures collect cells?", "a procedure for T cells")
    ('procedures', 'cells')
    """
    found = set(stems(text))
    terms = _terms_of({*(asked := words(question))})
    return tuple(word for word in dict.fromkeys(asked) if found.intersection(terms[word]))


def stems(text: str) -> list[str]:
    """The Snowball (English) stems of a text's words, in order, stop words left out.

    >>> stems("Which procedure collects the patient's T cells?")
    ['which', 'procedur', 'collect', 'patient', 't', 'cell']
    """
    return stems_of_each([text])[0]


def stems_of_each(texts: Sequence[str]) -> list[list[str]]:
    """The stems of each text; a word that stands in many of them is stemmed once."""
    listed = [words(text) for text in texts]
    terms = _terms_of(set().union(*listed))
    return [[term for word in found for term in terms[word]] for found in listed]


def _terms_of(distinct: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What each word is found by: its stem, and its parts if it has some."""
    distinct = list(distinct)
    # A stemmer caches and is not safe to share between threads; a new one costs microseconds.
    stemmed = Stemmer.Stemmer("english").stemWords(distinct)
    return {word: _parts(word, stem) for word, stem in zip(distinct, stemmed, strict=True)}


def _parts(word: str, stem: str) -> tuple[str, ...]:
    """`2tb` is found by `2` and `tb` too.

    A dictionary divides 东京都 otherwise than 东京, so Chinese words are found by their characters
    too. Korean writes nouns and particles together, so they are found by each two syllables.
    """
    if measured := _NUMBER_AND_UNIT.fullmatch(word):
        return (stem, *measured.groups())
    if _HAN.fullmatch(word):
        return (stem, *word)
    if _HANGUL.fullmatch(word):
        return tuple(map("".join, pairwise(word)))
    return (stem,)
