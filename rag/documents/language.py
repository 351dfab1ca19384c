"""The language of a text: English by its stop words, else as py3langid detects it (offline, 5 MB,
the same answer each time)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from rag.documents.spool import writing_temporary
from rag.text import ENGLISH, STOP_WORDS

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Only this many characters are looked at. A text with fewer letters may be nothing but names.
LONGEST = 1000
LEAST_LETTERS = 40
_SURE = 0.9
# So large a share of the words, and so many different ones, are stop words in English alone:
# docs/decisions/0011-languages.md.
LEAST_SHARE = 0.2
LEAST_DIFFERENT = 6
_WORD = re.compile(r"\w+")


def language_of(text: str) -> str | None:
    """The code of the language (ISO 639) that a text is in; None if that is not sure.

    Raises RagError if there is no space for a temporary file.
    """
    start = text[:LONGEST]
    if sum(map(str.isalpha, start)) < LEAST_LETTERS:
        return None
    share, different = stop_words_of(start)
    if share >= LEAST_SHARE and different >= LEAST_DIFFERENT:
        # The detector takes as long to load as a small build.
        return ENGLISH
    code, probability = _identifier().classify(start)
    return code if probability >= _SURE and code != "zxx" else None


def stop_words_of(text: str) -> tuple[float, int]:
    """The share of English stop words among the words of a text, and how many different ones."""
    found = _WORD.findall(text.casefold())
    stops = [word for word in found if word in STOP_WORDS]
    return len(stops) / max(1, len(found)), len(set(stops))


@cache
def _identifier() -> LanguageIdentifier:
    # Late: the children that parse need neither this nor numpy.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # It is unpacked into a temporary file.
    with writing_temporary():
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
