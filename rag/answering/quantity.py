"""Quantities: whether a question asks for one, and whether a text names one. English.

Passages on the subject of "how many" often do not say how many; token vectors hardly notice.
"""

from __future__ import annotations

import re

_ADJECTIVES = """many much old long often frequently soon early late far high large big tall fast
wide deep"""
_NOUNS = "year decade century month day date age number percentage percent proportion share"
_NUMBERS = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
hundred hundreds thousand thousands million millions billion billions dozen half once twice"""
_TIMES = """minute minutes hour hours day days week weeks month months year years decade decades
century centuries every daily weekly monthly yearly"""


def _any_of(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_ASKS = re.compile(
    rf"\bhow {_any_of(_ADJECTIVES)}\b|\b(?:what|which) {_any_of(_NOUNS)}\b"
    r"|^when (?:is|are|was|were|do|does|did|will)\b",
    re.IGNORECASE,
)
_NAMES = re.compile(rf"\d|\b{_any_of(_NUMBERS)}\b|\b{_any_of(_TIMES)}\b", re.IGNORECASE)


def asks_for_quantity(question: str) -> bool:
    """Whether the question asks how many, how long, in which year or the like.

    >>> asks_for_quantity("How long does it last?"), asks_for_quantity("How does it work?")
    (True, False)
    """
    return _ASKS.search(question) is not None


def names_quantity(text: str) -> bool:
    """Whether the text holds a digit, a number in words, or a measure of time.

    >>> names_quantity("It is given once."), names_quantity("It is given slowly.")
    (True, False)
    """
    return _NAMES.search(text) is not None
