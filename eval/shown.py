"""What the first five passages of a question hold: answers, documents, repeated texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean, median
from typing import Any

from eval.fit_fusion import Found
from eval.fusions import fused
from eval.orders import Kin, Ranked, bare_text, capped, collapsed, mean_ndcg, ranked
from eval.ranking import relevant
from eval.score_highlights import holds
from rag.types import Passage

SHOWN = 5
CAPS = (1, 2, 3)

Answers = Mapping[str, Sequence[str]]
"""Query id -> the strings that answer it."""


def served(found: Found) -> list[Ranked]:
    """The candidates of each question in the order that is served."""
    return [ranked(pool, each, fused) for pool, asked in found for each in asked]


def first_figures(asked: Sequence[Ranked], known: Answers) -> dict[str, float]:
    """How often the passage ranked first holds an answer word for word, and its median words."""
    return {
        "holds": _holding([_first(each, 1) for each in asked], known),
        "words": median(words(each.passages[0]) for each in asked),
    }


def cap_rows(asked: Sequence[Ranked], kin: Kin, known: Answers | None) -> dict[str, Any]:
    """What is shown with at most so many passages of one kin, by cap.

    `hit` is the share of questions with a passage that is relevant, `kin` how many different ones
    show, `answer` the share with an answer word for word, where answers are known.
    """
    shown = {"no cap": [_first(each) for each in asked]} | {
        str(most): [_first(capped(each, kin, most)) for each in asked] for most in CAPS
    }
    return {
        name: {
            "hit": fmean(map(_hit, each)),
            "kin": fmean(len(set(map(kin, one.passages))) for one in each),
            "answer": None if known is None else _holding(each, known),
        }
        for name, each in shown.items()
    }


def repeat_figures(asked: Sequence[Ranked]) -> dict[str, float]:
    """How often a text is repeated among the first five, and what showing each once does.

    `questions` is the share with a repeat; `sections` how many different ones show, and `ndcg`
    nDCG@10, each as served and with every text once.
    """
    once = [collapsed(each) for each in asked]
    return {
        "questions": fmean(map(_repeats, asked)),
        "sections": fmean(map(_sections, asked)),
        "sections_once": fmean(map(_sections, once)),
        "ndcg": mean_ndcg(asked),
        "ndcg_once": mean_ndcg(once),
    }


def repeat_counts(passages: Sequence[Passage]) -> dict[str, int]:
    """How many passages there are, and how many of them say what one before them says."""
    distinct = len({bare_text(passage) for passage in passages})
    return {"passages": len(passages), "repeats": len(passages) - distinct}


def words(passage: Passage) -> int:
    """How many words a passage has."""
    return len(passage.text.split())


def _first(each: Ranked, count: int = SHOWN) -> Ranked:
    return replace(each, rows=each.rows[:count])


def _holding(asked: Sequence[Ranked], known: Answers) -> float:
    return fmean(holds([p.text for p in each.passages], known[each.query]) for each in asked)


def _hit(each: Ranked) -> bool:
    return not relevant(each.pool.qrels[each.query]).isdisjoint(each.units)


def _repeats(each: Ranked) -> bool:
    first = _first(each).passages
    return len({bare_text(passage) for passage in first}) < len(first)


def _sections(each: Ranked) -> int:
    return len({passage.section_id for passage in _first(each).passages})
