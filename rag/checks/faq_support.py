"""How much of an FAQ's answer a passage holds: what stands in for a judge where there is none.

The share of the answer's words, the rarer the heavier, that three sentences in a row of the passage
have. docs/evaluation.md says how well the same rule agrees with hand-made labels.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.index import Snapshot
from rag.text import sentences, stems, stems_of_each

# What holds this share of an answer supports it; an answer has about three sentences.
SUPPORT = 0.25
SENTENCES = 3

Windows = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question of the FAQ and its answer."""

    question: str
    answer: str


def pairs(snapshot: Snapshot) -> dict[str, Pair]:
    """The FAQ pairs by their questions' keys; of a question asked twice, the first."""
    found: dict[str, Pair] = {}
    for section in snapshot.sections.values():
        if section.kind == "faq":
            text = snapshot.documents[section.document_id].text
            pair = Pair(section.heading_path[-1], text[section.body_start : section.end].strip())
            found.setdefault(key(pair.question), pair)
    return found


def key(question: str) -> str:
    """What two questions share that differ in case and blanks alone."""
    return " ".join(question.casefold().split())


def drawn(keys: Iterable[str]) -> list[str]:
    """The keys in an order that nobody chose and that adding one does not change."""
    return sorted(keys, key=lambda each: hashlib.sha256(each.encode()).hexdigest())


def weights(answer: str, snapshot: Snapshot) -> dict[str, float]:
    """The answer's distinct stems, the rarer in the snapshot the heavier."""
    count = snapshot.lexical.count
    return {
        stem: math.log(1 + count / (1 + snapshot.lexical.frequency(stem)))
        for stem in dict.fromkeys(stems(answer))
    }


def held(weights: Mapping[str, float], windows: Windows) -> float:
    """The largest share of the weight that a window holds; 0 of an answer without words."""
    total = sum(weights.values()) or 1.0
    return max(
        sum(w for stem, w in weights.items() if stem in inside) / total for inside in windows
    )


def windows(text: str) -> Windows:
    """The stems of each three sentences in a row; of all, where there are fewer."""
    inside = stems_of_each([text[start:end] for start, end in sentences(text)])
    last = max(1, len(inside) - SENTENCES + 1)
    return tuple(frozenset().union(*inside[at : at + SENTENCES]) for at in range(last))
