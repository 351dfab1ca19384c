"""How much of a known answer the passages returned hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.words import content, sentences, words

# A sentence is supported if one passage holds this share of its content words.
SUPPORT = 0.6


@dataclass(frozen=True, slots=True)
class Coverage:
    """`rouge_l` recall and the share of the answer's sentences `supported`, both in [0, 1]."""

    rouge_l: float
    supported: float


def answer_coverage(answer: str, passages: Sequence[str]) -> Coverage:
    """How much of the answer the passages hold; 0 without passages or without words to find.

    A sentence of function words alone ("Yes, it is.") claims nothing that could be supported.
    ROUGE-L recall (Lin 2004) by sentence: the longest common subsequence of words of each
    sentence with the passage that holds most of it, summed, over the answer's words.
    """
    wanted = [words(sentence) for sentence in sentences(answer)]
    total = sum(map(len, wanted))
    if not total or not passages:
        return Coverage(0.0, 0.0)
    found = [words(passage) for passage in passages]
    common = sum(max(common_words(sentence, passage) for passage in found) for sentence in wanted)
    claims = [sentence for sentence in sentences(answer) if content(sentence)]
    held = [content(passage) for passage in passages]
    supported = sum(_supported(claim, held) for claim in claims)
    return Coverage(common / total, supported / max(len(claims), 1))


def common_words(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the longest common subsequence, bit-parallel (Hyyrö 2004).

    >>> common_words(["one", "dose", "of", "cells"], ["one", "single", "dose", "cells"])
    3
    """
    where: dict[str, int] = {}
    for at, word in enumerate(a):
        where[word] = where.get(word, 0) | 1 << at
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        matched = row & where.get(word, 0)
        row = ((row + matched) | (row - matched)) & full
    return len(a) - row.bit_count()


def _supported(claim: str, held: Sequence[frozenset[str]]) -> bool:
    wanted = content(claim)
    return any(len(wanted & words) >= SUPPORT * len(wanted) for words in held)
