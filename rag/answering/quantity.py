"""Quantities: which words of a question ask for one, and whether a text names one. English.

An abstention says so if nothing was found that does. It makes no answer less likely: words such as
`nightly` or `only adults` name quantities too, and no list has them all.
"""

from __future__ import annotations

import re

_ADJECTIVES = """many much old long often frequently soon early late far high large big tall fast
wide deep"""
_NOUNS = "year decade century month day date age number percentage percent proportion share"
_NUMBERS = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
hundred hundreds thousand thousands million millions billion billions dozen half once twice"""
_TIMES = """minute minutes hour hours day days week weeks weekend month months year years decade
decades century centuries every hourly daily nightly weekly fortnightly monthly quarterly yearly
annually noon midnight morning afternoon evening night mondays? tuesdays? wednesdays? thursdays?
fridays? saturdays? sundays? january february march april may june july august september october
november december spring summer autumn winter first second third last always never immediately"""
_AMOUNTS = "free unlimited none adults? minors? children full empty"


def _any_of(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_ASKS = re.compile(
    rf"\bhow {_any_of(_ADJECTIVES)}\b|\b(?:what|which) {_any_of(_NOUNS)}\b"
    r"|^when(?= (?:is|are|was|were|do|does|did|will)\b)",
    re.IGNORECASE,
)
_NAMES = re.compile(rf"\d|\b{_any_of(f'{_NUMBERS} {_TIMES} {_AMOUNTS}')}\b", re.IGNORECASE)


def asked_quantity(question: str) -> str:
    """The words that ask how many, how long, in which year or the like; "" if there are none.

    >>> asked_quantity("And how long does it last?"), asked_quantity("How does it work?")
    ('how long', '')
    """
    found = _ASKS.search(question)
    return found[0] if found else ""


def names_quantity(text: str) -> bool:
    """Whether the text holds a digit, a number in words, or a measure of time.

    >>> names_quantity("It is given once."), names_quantity("It is given slowly.")
    (True, False)
    """
    return _NAMES.search(text) is not None
