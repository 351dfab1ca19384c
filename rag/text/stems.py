"""Words as BM25 sees them: lower case, stemmed, without stop words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import Stemmer

# Splitting at `_` as well keeps the parts of identifiers findable.
WORD = re.compile(r"[^\W_]+")
# Normalising takes time by the square of a run of combining marks. As in the Stream-Safe Text
# Format (UAX 15) a joiner, which is no part of a word, parts runs of more than 30.
_MARKS = re.compile(r"[^\w\s]{30}(?=[^\w\s])")
_JOINER = "\u034f"
CONTRACTED = re.compile(r"['’](?:s|t|d|m|ll|re|ve)\b")
# Lucene's short list: in questions that paraphrase an FAQ, words like `how` and `my` tell much.
_STOP_WORDS = """a an and are as at be but by for if in into is it no not of on or such that the
their then there these they this to was will with"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def matched(question: str, text: str) -> tuple[str, ...]:
    """The question's distinct words, in order, whose stems occur in the text too.

    >>> matched("Which procedures collect cells?", "a procedure for T cells")
    ('procedures', 'cells')
    """
    found = frozenset(stems(text))
    return tuple(dict.fromkeys(word for word in words(question) if found & {*stems(word)}))


def words(text: str) -> list[str]:
    """The text's words in lower case, in order, stop words left out."""
    lower = unicodedata.normalize("NFKC", _MARKS.sub(rf"\g<0>{_JOINER}", text)).lower()
    return [word for word in WORD.findall(CONTRACTED.sub("", lower)) if word not in STOP_WORDS]


def stems(text: str) -> list[str]:
    """The Snowball (English) stems of a text's words, in order, stop words left out.

    >>> stems("Which procedure collects the patient's T cells?")
    ['which', 'procedur', 'collect', 'patient', 't', 'cell']
    """
    # A stemmer caches and is not safe to share between threads; a new one costs microseconds.
    stemmed: list[str] = Stemmer.Stemmer("english").stemWords(words(text))
    return stemmed


def stems_of_each(texts: Sequence[str]) -> list[list[str]]:
    """The stems of each text; a word that stands in many of them is stemmed once."""
    listed = [words(text) for text in texts]
    distinct = list(set().union(*listed))
    stem = dict(zip(distinct, Stemmer.Stemmer("english").stemWords(distinct), strict=True))
    return [[stem[word] for word in found] for found in listed]
