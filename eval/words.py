"""Words as the measures count them: with simple rules of their own, so that they share no fault
with the search."""

from __future__ import annotations

import unicodedata

import regex

# Marks belong to the letter before them. Scripts that put no blanks between words are counted by
# their letters.
_ALONE = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD = regex.compile(
    rf"[{_ALONE}]\p{{M}}*|[[\p{{L}}\p{{N}}]--[{_ALONE}]][[\p{{L}}\p{{M}}\p{{N}}]--[{_ALONE}]]*",
    regex.VERSION1,
)
SENTENCE_END = regex.compile(
    "(?<=[.!?])[\"'\u201d\u2019)\\]]*\\s+|(?<=[\u3002\uff01\uff1f\u0964\u061f\u06d4])\\s*|\\s*\\n\\s*"
)
# What separates words and sentences, and means nothing by itself.
STOPS = "?!.:;,…？！。，؟¿¡\"'“”‘’«»„‚`´"
PUNCTUATION = STOPS + "-‐‑–—()[]{}/、؛،।"
# Longer words are cut here, so that "treated" and "treatment" are equal: the simplest stemmer.
STEM = 6
_FUNCTION_WORDS = """
a about after all also am an and any are as at be because been before being both but by
can could did do does for from further had has have he her here him his how i if in into is it its
itself just may me might more most much must my no nor not of off on once one only or other our
out over own s same shall she should so some such t than that the their them then there these
they this those through to too under up us very was we were what when where which while who
whom whose why will with would you your yes"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def words(text: str) -> list[str]:
    """The text's words in lower case, in order."""
    found: list[str] = WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return found


def content(text: str) -> frozenset[str]:
    """The text's distinct words without function words, each cut to its first six letters."""
    return frozenset(word[:STEM] for word in words(text) if word not in FUNCTION_WORDS)


def sentences(text: str) -> list[str]:
    """The text's sentences: ended by . ! ? and a blank, or by a line break."""
    return [part.strip() for part in SENTENCE_END.split(text) if words(part)]


def plain(text: str) -> str:
    """The words alone, one blank between them: equal for texts that read the same."""
    return " ".join(words(text))


def wording(text: str) -> str:
    """What two questions share if a reader takes them for one: words, and the signs that tell.

    >>> wording("What is C++ (the language)?"), wording("what IS it ??")
    ('what is c++ the language', 'what is it')
    """
    tokens = unicodedata.normalize("NFKC", text).lower().split()
    return " ".join(word for token in tokens for word in _wording(token))


def _wording(token: str) -> list[str]:
    """The words of a token with their signs: `c++`, `.net`; a sign alone is a word, a stop none."""
    found = "".join(c if _tells(c) else " " for c in token).split()
    if found and token.startswith("." + found[0]):
        found[0] = "." + found[0]
    return found or ([] if set(token) <= set(STOPS) else [token])


def _tells(character: str) -> bool:
    """Whether a character is part of a word or tells words apart, as `+` and vowel signs do."""
    is_sign = unicodedata.category(character)[0] in "MSP"
    return character.isalnum() or (is_sign and character not in PUNCTUATION)
