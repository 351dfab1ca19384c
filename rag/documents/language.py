"""The language of a text, detected by py3langid: offline, 5 MB, the same answer each time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Only this many characters are looked at. A text with fewer letters may be nothing but names.
_LONGEST = 1000
_LEAST_LETTERS = 40
_SURE = 0.9


def language_of(text: str) -> str | None:
    """The code of the language (ISO 639) that a text is in; None if that is not sure."""
    start = text[:_LONGEST]
    if sum(map(str.isalpha, start)) < _LEAST_LETTERS:
        return None
    code, probability = _identifier().classify(start)
    return code if probability >= _SURE and code != "zxx" else None


@cache
def _identifier() -> LanguageIdentifier:
    # Loading takes half a second, and is needed for new documents alone; the children that parse
    # need neither this nor numpy.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
