"""Words of any script, by Unicode rules and folded: what is typed finds what is written.

Folded are case, compatibility forms (`ﬁ`, full width), accents and Arabic or Hebrew vowel points,
invisible characters such as the soft hyphen, and the separators of thousands. Vowel signs that
make another word of it (Devanagari, Thai) stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import regex
from icu4py.breakers import WordBreaker

# Letters, digits and the marks on them. Splitting at `_` keeps the parts of identifiers findable.
_IN_WORD = r"[\p{L}\p{N}\p{M}]"
_WORD = regex.compile(rf"[\p{{L}}\p{{N}}]{_IN_WORD}*")
# Scripts that put no blanks between words: ICU divides them by its dictionaries. In these a
# zero-width space parts words; elsewhere it is one more invisible character.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED = regex.compile(rf"[{UNSPACED}]")
# `Inherited` holds the accents that any letter can carry; the kana's voicing marks are letters, and
# so is the й of Cyrillic, which stemmers look for.
_DROPPED = regex.compile(
    rf"[\p{{Inherited}}--[\u0306\u3099\u309a]]|(?<![Ии])\u0306|[\p{{Hebrew}}&&\p{{M}}]|[\p{{DI}}--\u200b]"
    rf"|(?<![{UNSPACED}])\u200b|[\p{{Cs}}\u0640]",
    regex.VERSION1,
)
# Normalising sorts each run of marks. No word has so many.
_ENDLESS_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
# What no decomposition undoes, and what composing again leaves in parts that no dictionary has.
_LETTERS = (
    *(("ı", "i"), ("đ", "d"), ("Đ", "D"), ("ł", "l"), ("Ł", "L"), ("ø", "o"), ("Ø", "O")),
    *(("\u0e4d\u0e32", "\u0e33"), ("\u0ecd\u0eb2", "\u0eb3")),
)
# More groups than three parted by dots are an address, not a number.
_THOUSANDS = regex.compile(
    r"(?<![\d.,])[1-9]\d{0,2}(?:(?:([,'’\u00a0\u2009\u202f])\d{3})(?:\1\d{3})*|(\.)\d{3}(?:\.\d{3})?)"
    r"(?!\d|\1\d|\2\d)"
)
_CONTRACTED = regex.compile(r"['’](?:s|t|d|m|ll|re|ve)\b", regex.IGNORECASE)
# Lucene's short list: in questions that paraphrase an FAQ, words like `how` and `my` tell much.
_STOP_WORDS = """a an and are as at be but by for if in into is it no not of on or such that the
their then there these they this to was will with"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_STOP_WORD = regex.compile(
    rf"(?<!{_IN_WORD})(?:{'|'.join(STOP_WORDS)})(?!{_IN_WORD})", regex.IGNORECASE
)
# The same in ASCII: half of the time.
_ASCII_WORD = re.compile(r"[0-9a-z]+")
_ASCII_STOP_WORD = re.compile(
    rf"(?<![0-9a-z])(?=[{''.join({word[0] for word in STOP_WORDS})}])"
    rf"(?:{'|'.join(STOP_WORDS)})(?![0-9a-z])",
    re.ASCII | re.IGNORECASE,
)
# How far from a word its neighbours are looked for.
_NEAR = 40
_AFTER_WORD = regex.compile(r"[\p{L}\p{N}] [\"'“‘(\[*_`]*$")
# An article does not stand before these.
_PHRASE_END = regex.compile(
    r"[^\w\s]|\s*(?:\Z|\n\s*\n)| (?:and|are|as|at|by|for|in|is|of|on|or|per|to|vs|was|with)\b(?!-)"
)
_JOINED = ("-", "/")


def words(text: str) -> list[str]:
    """The text's words, folded, in order, stop words left out.

    >>> words("the Café’s 2 TB of disk"), words("vitamin A")
    (['cafe', '2', 'tb', 'disk'], ['vitamin', 'a'])
    """
    plain = _CONTRACTED.sub("", _without_marks(text))
    if plain.isascii():
        return _ASCII_WORD.findall(_ASCII_STOP_WORD.sub(_only_names, plain).casefold())
    told = _STOP_WORD.sub(_only_names, plain)
    parts: Iterable[str] = WordBreaker(told, "root") if _UNSPACED.search(told) else (told,)
    return [word.casefold() for part in parts for word in _WORD.findall(part)]


def _without_marks(text: str) -> str:
    """The text in its own case, all else folded."""
    text = _THOUSANDS.sub(lambda number: regex.sub(r"\D", "", number[0]), text)
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", _ENDLESS_MARKS.sub(r"\1", text))
    plain = unicodedata.normalize("NFC", _DROPPED.sub("", plain))
    for written, folded in _LETTERS:
        plain = plain.replace(written, folded)
    return plain


def _only_names(found: re.Match[str] | regex.Match[str]) -> str:
    """The stop word if it names something here (`plan A`, `the IT desk`), else a blank."""
    word, text = found[0], found.string
    if len(word) > 1 and not word.isupper():
        # Nearly all of them.
        return " "
    before = text[max(0, found.start() - _NEAR) : found.start()].rpartition("\n")[2]
    after = text[found.end() : found.end() + _NEAR]
    capital = word.isupper() and not (before + after.partition("\n")[0]).isupper()
    if len(word) > 1:
        named = capital
    elif before[-1:] in _JOINED or after[:1] in _JOINED:
        named = word.isupper()
    else:
        ends = capital or _PHRASE_END.match(after) is not None
        named = ends and _AFTER_WORD.search(before) is not None
    return word if named else " "
