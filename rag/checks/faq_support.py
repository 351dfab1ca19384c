"""How much of an FAQ answer a passage holds. This rule replaces a human judge.

The share is that of the answer's stems, weighted by rarity, that three successive sentences of the
passage hold. docs/evaluation.md says how well the rule agrees with hand-made labels.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import cache

from rag.documents import faq_pairs
from rag.index import Snapshot
from rag.text import sentences, words
from rag.types import FaqPair, Passage

# A passage that holds this share of an answer supports it. An answer has about three sentences.
SUPPORT = 0.25
SENTENCES = 3

# The share of an answer, the first text, that a passage, the second one, holds.
Share = Callable[[str, str], float]


def drawn_pairs(snapshot: Snapshot) -> dict[str, FaqPair]:
    """The FAQ pairs by the key of their question; of a question asked twice, the first pair.

    They are in `drawing_order`.
    """
    pairs = faq_pairs(snapshot.documents, snapshot.sections.faq_pairs())
    first = {question_key(pair.question): pair for pair in reversed(pairs)}
    return dict(sorted(first.items(), key=lambda item: drawing_order(item[0])))


def question_key(question: str) -> str:
    """A key that is the same for questions that differ only in case and blanks."""
    return " ".join(question.casefold().split())


def drawing_order(key: str) -> str:
    """A hash of a question's key. Ordered by it, the first questions are drawn arbitrarily, and
    remain the same when others are added."""
    return hashlib.sha256(key.encode()).hexdigest()


def answer_share(snapshot: Snapshot) -> Share:
    """The function that gives the share; stems that are rare in the snapshot weigh more.

    It keeps the stems of each answer and passage. An answer without stems has the share 0.
    """
    count, lexical = snapshot.lexical.count, snapshot.lexical

    @cache
    def weights(answer: str) -> dict[str, float]:
        return {
            stem: math.log(1 + count / (1 + lexical.frequency(stem)))
            for stem in lexical.stems_of(words(answer))
        }

    @cache
    def windows(passage: str) -> list[frozenset[str]]:
        """The stems of each three successive sentences; of all, if there are fewer."""
        inside = [lexical.stems_of(words(passage[start:end])) for start, end in sentences(passage)]
        last = max(1, len(inside) - SENTENCES + 1)
        return [frozenset().union(*inside[at : at + SENTENCES]) for at in range(last)]

    def share(answer: str, passage: str) -> float:
        weight = weights(answer)
        total = sum(weight.values()) or 1.0
        held = (sum(w for s, w in weight.items() if s in window) for window in windows(passage))
        return max(held) / total

    return share


def supports_of(snapshot: Snapshot) -> Callable[[str, Passage], bool]:
    """The function that tells whether a passage supports an answer."""
    share = answer_share(snapshot)
    return lambda answer, passage: share(answer, passage.text) >= SUPPORT
