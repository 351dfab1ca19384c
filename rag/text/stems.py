"""Terms as BM25 counts them: stemmed words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

import regex
import Stemmer

from rag.text.words import words

ENGLISH = "en"
_NUMBER_AND_UNIT = regex.compile(r"(\d+)(\p{L}+)")
_HAN = regex.compile(r"\p{Han}{2,}")
_HANGUL = regex.compile(r"\p{Hangul}{3,}")


def stems(found: Sequence[str], language: str = ENGLISH) -> list[str]:
    """The Snowball stems of words that `words` has found in a text, in order.

    Words of a language that Snowball does not know stay as they are.

    >>> stems(["which", "procedures", "collect", "t", "cells"])
    ['which', 'procedur', 'collect', 't', 'cell']
    """
    terms = _terms_of(set(found), language)
    return [term for word in found for term in terms[word]]


def stems_of_each(texts: Sequence[str], language: str = ENGLISH) -> list[list[str]]:
    """The stems of each text of a language; a word that stands in many of them is stemmed once."""
    listed = [words(text) for text in texts]
    terms = _terms_of(set().union(*listed), language)
    return [[term for word in found for term in terms[word]] for found in listed]


def _terms_of(distinct: Iterable[str], language: str) -> dict[str, tuple[str, ...]]:
    """What each word is found by: its stem, and its parts if it has some."""
    distinct = list(distinct)
    # A stemmer caches and is not safe to share between threads; a new one costs microseconds.
    has_stemmer = stemming(language) != ""
    stemmed = Stemmer.Stemmer(language).stemWords(distinct) if has_stemmer else distinct
    return {word: _parts(word, stem) for word, stem in zip(distinct, stemmed, strict=True)}


@cache
def stemming(language: str) -> str:
    """The language itself if Snowball has stems for it, else "": its words stay as they are."""
    try:
        Stemmer.Stemmer(language)
    except KeyError:
        return ""
    return language


def _parts(word: str, stem: str) -> tuple[str, ...]:
    """`2tb` is found by `2` and `tb` too.

    A dictionary divides 东京都 otherwise than 东京, so Chinese words are found by their characters
    too. Korean writes nouns and particles together, so they are found by each two syllables.
    """
    if word.isascii() and word.isalpha():
        return (stem,)
    if measured := _NUMBER_AND_UNIT.fullmatch(word):
        return (stem, *measured.groups())
    if _HAN.fullmatch(word):
        return (stem, *word)
    if _HANGUL.fullmatch(word):
        return tuple(map("".join, pairwise(word)))
    return (stem,)
