"""The language of a text, detected by py3langid: offline, 5 MB, the same answer each time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from rag.documents.spool import writing_temporary

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Only this many characters are looked at. A text with fewer letters may be nothing but names.
_LONGEST = 1000
_LEAST_LETTERS = 40
_SURE = 0.9


def language_of(text: str) -> str | None:
    """The code of the language (ISO 639) that a text is in; None if that is not sure.

    Raises RagError if there is no space for a temporary file.
    """
    start = text[:_LONGEST]
    if sum(map(str.isalpha, start)) < _LEAST_LETTERS:
        return None
    try:
        identifier = _loading().result()
    except BaseException:
        # The next build of this process loads it again.
        _loading.cache_clear()
        raise
    code, probability = identifier.classify(start)
    return code if probability >= _SURE and code != "zxx" else None


def prepare() -> None:
    """Begins to load what `language_of` requires, in a thread."""
    _loading()


@cache
def _loading() -> Future[LanguageIdentifier]:
    pool = ThreadPoolExecutor(1, "language")
    found = pool.submit(_identifier)
    pool.shutdown(wait=False)
    return found


def _identifier() -> LanguageIdentifier:
    # Loading takes half a second, and is needed for new documents alone; the children that parse
    # need neither this nor numpy.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # It is unpacked into a temporary file.
    with writing_temporary():
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
