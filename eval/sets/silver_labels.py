"""Silver labels: which sections answer an FAQ question, told from its answer by a stated rule.

    support(section) = the largest, over any three sentences in a row of the section, of
                       sum of idf(w) over the answer's content words w that the three hold
                       / sum of idf(w) over all of the answer's content words

    idf(w) = ln(1 + N / (1 + n_w))        N body sections, of which n_w hold w

Content words are those of `eval.words`: lower case, no function words, cut to six letters. Three
sentences, because that is about as long as an answer is; a long section gains nothing by length.

The best supported section gets grade 2, and every other with at least `NEAR` times its support
grade 1. The label is certain where the best support is at least `SUPPORT` and ahead of the second
by at least the share `MARGIN` of it; others go to the review file and are not counted.

The rule looks at the answer and never at the question, and shares neither stems nor weights with
any retriever, so that no retriever can please it by being like it. What it is worth, measured on
hand labels, stands in docs/evaluation.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sklearn.metrics import cohen_kappa_score

from eval.measures.runs import Qrels, relevant
from eval.words import content, sentences
from rag.checks import SENTENCES, SUPPORT

MARGIN = 0.1
NEAR = 0.85
# So many sections are shown to a person who judges what the rule cannot.
NEAREST = 5


@dataclass(frozen=True, slots=True)
class Label:
    """What the rule says of one answer: grade by section id, the best section's support, and by
    which share of it the second best falls behind; `nearest` are the best supported sections."""

    grades: Mapping[str, int]
    support: float
    margin: float
    nearest: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """In [0, 1]: 0.5 where the label just counts, 1 where support and margin are double."""
        return min(1.0, self.support / SUPPORT / 2, self.margin / MARGIN / 2)

    @property
    def certain(self) -> bool:
        """Whether the label counts."""
        return self.support >= SUPPORT and self.margin >= MARGIN


@dataclass(frozen=True, slots=True)
class Agreement:
    """Silver against hand labels over all (query, section) pairs, relevant or not.

    None where there is nothing to divide by.
    """

    precision: float | None
    recall: float | None
    kappa: float | None
    best_right: float
    queries: int
    pairs: int


def silver(answers: Mapping[str, str], sections: Mapping[str, str]) -> dict[str, Label]:
    """The label of each answer, by query id, among the sections' texts, by section id."""
    counts = Counter(word for text in sections.values() for word in content(text))
    idf = {word: _idf(len(sections), n) for word, n in counts.items()}
    unseen = _idf(len(sections), 0)
    windows = {name: _windows(text) for name, text in sections.items()}
    return {
        query: _label({word: idf.get(word, unseen) for word in content(answer)}, windows)
        for query, answer in answers.items()
    }


def agreement(hand: Qrels, labelled: Qrels, sections: Sequence[str]) -> Agreement:
    """How well labels agree with the hand's, over the queries that both have judged."""
    queries = sorted(set(hand) & set(labelled))
    truth = [name in relevant(hand[query]) for query in queries for name in sections]
    guess = [name in relevant(labelled[query]) for query in queries for name in sections]
    both = sum(t and g for t, g in zip(truth, guess, strict=True))
    best = sum(bool(_best(labelled[query]) & relevant(hand[query])) for query in queries)
    return Agreement(
        precision=both / sum(guess) if any(guess) else None,
        recall=both / sum(truth) if any(truth) else None,
        kappa=float(cohen_kappa_score(truth, guess)) if any(truth) and any(guess) else None,
        best_right=best / max(len(queries), 1),
        queries=len(queries),
        pairs=len(truth),
    )


def _idf(total: int, holding: int) -> float:
    return math.log(1 + total / (1 + holding))


def _windows(text: str) -> list[frozenset[str]]:
    """The content words of each three sentences in a row; of all, where there are fewer."""
    held = [content(sentence) for sentence in sentences(text)]
    last = max(1, len(held) - SENTENCES + 1)
    return [frozenset().union(*held[at : at + SENTENCES]) for at in range(last)]


def _label(weights: Mapping[str, float], windows: Mapping[str, Sequence[frozenset[str]]]) -> Label:
    support = {
        name: max(_held(weights, window) for window in each)
        for name, each in sorted(windows.items())
    }
    best, second = sorted([0.0, 0.0, *support.values()])[:-3:-1]
    if best == 0:
        return Label({}, 0.0, 0.0)
    grades = {
        name: 2 if value == best else 1 for name, value in support.items() if value >= NEAR * best
    }
    nearest = sorted((name for name in support if support[name]), key=lambda n: (-support[n], n))
    return Label(grades, best, (best - second) / best, tuple(nearest[:NEAREST]))


def _held(weights: Mapping[str, float], window: frozenset[str]) -> float:
    """The share of the answer's weight that the window holds; 0 of an answer without words."""
    held = sum(weights[word] for word in sorted(weights) if word in window)
    return held / (sum(weights.values()) or 1.0)


def _best(judged: Mapping[str, int]) -> set[str]:
    return {name for name, grade in judged.items() if grade == max(judged.values())}
