"""Headings that announce an FAQ: `FAQ`, `Rowing Club FAQ`, `Häufige Fragen`."""

from __future__ import annotations

import re
import unicodedata

from rag.documents.readers.faq_words import FAQ_PHRASES, NO_NAME, folded
from rag.documents.readers.labels import asks

_ENGLISH = (
    r"faq|faqs|f\.a\.q\.(?:s\.?)?|frequently[\s-]asked(?:[\s-]questions?)?|common questions"
    r"|questions?\s+(?:and|&)\s+answers?|q\s?(?:&|and)\s?a"
)
_PHRASES = sorted({folded(each) for words in FAQ_PHRASES.values() for each in words}, key=len)
_PHRASE = "|".join(
    [_ENGLISH, *(re.escape(each).replace(r"\ ", r"[\s-]+") for each in reversed(_PHRASES))]
)
_ABOUT = (
    "about|for|on|of|from|in|by|with|regarding|concerning|zu|zur|zum|fur|uber|sur|de|del|des|do|da"
    "|dos|das|du|para|per|su|sobre|om|over|voor|по|о|об|для"
)
_REST = rf"(?:\s*\(.*\))?(?:\s*[:–—|/-].*|\s+(?:{_ABOUT})\b.*)?[.!:]?"
_FAQ = re.compile(rf"(?:\d+[.)]?\s+)?(?:(?:the|our)\s+)?(?:{_PHRASE}){_REST}", re.DOTALL)
_NAMED_FAQ = re.compile(
    rf"(?P<name>.*?\W|.*[\u2e80-\uffff])(?:{_PHRASE})\)?(?:\s*\(.*\))?[.!:]?", re.DOTALL
)
_FAQ_ALONE = re.compile(rf"(?:the\s+)?(?:{_PHRASE})\)?(?:\s*\(.*\))?[.!:]?")
_BESIDE = re.compile(r"[&+/,]|\b(?:and|und|et|y|e|og|och|en|i)\b")
_MOST_WORDS = 6
_LONGEST = 200


def is_faq_heading(label: str) -> bool:
    """Whether a heading says that questions and their answers follow."""
    return _name(label) is not None


def is_nothing_but_faq(label: str) -> bool:
    """Whether it says so and speaks of nothing beside, as `Help and FAQ` does."""
    name = _name(label)
    return name is not None and _BESIDE.search(name) is None


def announces_faq(line: str) -> bool:
    """Whether a line that is no heading says FAQ and no more."""
    short = len(line) < _LONGEST and "\n" not in line
    return short and _FAQ_ALONE.fullmatch(_undecorated(line)) is not None


def _name(label: str) -> str | None:
    """Whose FAQ a heading announces: `rowing club`, "" if it does not say; None for no FAQ."""
    if len(label) >= _LONGEST:
        return None
    bare = _undecorated(label)
    if _FAQ.fullmatch(bare):
        return ""
    found = _NAMED_FAQ.fullmatch(bare)
    words = re.findall(r"\w+", found["name"]) if found and not asks(label) else []
    is_name = 0 < len(words) <= _MOST_WORDS and not NO_NAME.intersection(words)
    return found["name"] if found and is_name else None


def _undecorated(label: str) -> str:
    """The label as words are compared, without the signs around it: an emoji, an anchor."""
    bare = folded(label)
    signs = {c for c in bare if unicodedata.category(c)[0] not in "LMN"} - set(".()")
    return bare.strip("".join(signs))
