"""The language of a text: English by its stop words, else as py3langid detects it (offline, 5 MB,
the same answer each time)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rag.documents.spool import writing_temporary
from rag.text import ENGLISH, STOP_WORDS

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Only this many characters are looked at. A text with fewer letters may be nothing but names.
LONGEST = 1000
LEAST_LETTERS = 40
_SURE = 0.9
# What English alone has, measured in docs/decisions/0011-languages.md: so large a share of stop
# words in each third of the text, so many different ones, and so few letters beyond ASCII.
LEAST_SHARE = 0.15
LEAST_DIFFERENT = 6
MOST_BEYOND_ASCII = 0.02
_WORD = re.compile(r"\w+")


def language_of(text: str) -> str | None:
    """The code of the language (ISO 639) that a text is in; None if that is not sure.

    Raises RagError if there is no space for a temporary file.
    """
    start = text[:LONGEST]
    if sum(map(str.isalpha, start)) < LEAST_LETTERS:
        return None
    signs = english_signs(start)
    if (
        signs.share >= LEAST_SHARE
        and signs.different >= LEAST_DIFFERENT
        and signs.beyond_ascii <= MOST_BEYOND_ASCII
    ):
        # The detector takes as long to load as a small build.
        return ENGLISH
    return detected(start)


class EnglishSigns(NamedTuple):
    """What tells English: the least share of stop words among the words of a third of the text,
    how many different stop words it has, and the share of its letters that are not ASCII."""

    share: float
    different: int
    beyond_ascii: float


def english_signs(text: str) -> EnglishSigns:
    """The signs of English in a text that has letters."""
    found = _WORD.findall(text.casefold())
    third = -(-len(found) // 3)
    parts = [found[at : at + third] for at in range(0, len(found), third)]
    share = min(sum(word in STOP_WORDS for word in part) / len(part) for part in parts)
    letters = [each for each in text if each.isalpha()]
    beyond = sum(not each.isascii() for each in letters) / len(letters)
    return EnglishSigns(share, len(STOP_WORDS.intersection(found)), beyond)


def detected(text: str) -> str | None:
    """The language that py3langid is sure of."""
    code, probability = _identifier().classify(text)
    return code if probability >= _SURE and code != "zxx" else None


@cache
def _identifier() -> LanguageIdentifier:
    # Late: the children that parse need neither this nor numpy.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # It is unpacked into a temporary file.
    with writing_temporary():
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
