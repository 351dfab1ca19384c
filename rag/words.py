"""Words as BM25 sees them: lower case, stemmed, without stop words."""

from __future__ import annotations

import re
import unicodedata

import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS

# Splitting at `_` as well keeps the parts of identifiers findable.
WORD = re.compile(r"[^\W_]+")
CONTRACTED = re.compile(r"['’](?:s|t|d|m|ll|re|ve)\b")
# Single letters other than these two are names: T cell, B cell, vitamin D.
STOP_WORDS = frozenset(word for word in STOPWORDS_EN_PLUS if len(word) > 1 or word in "ai")


def stems(text: str) -> list[str]:
    """The Snowball (English) stems of a text's words, in order, stop words left out.

    >>> stems("Which procedure collects the patient's T cells?")
    ['procedur', 'collect', 'patient', 't', 'cell']
    """
    # A stemmer caches and is not safe to share between threads; a new one costs microseconds.
    stemmer = Stemmer.Stemmer("english")
    lower = unicodedata.normalize("NFKC", text).lower()
    words = WORD.findall(CONTRACTED.sub("", lower))
    stemmed: list[str] = stemmer.stemWords([word for word in words if word not in STOP_WORDS])
    return stemmed
