"""Silver labels: which sections answer an FAQ question, by a fixed rule.

    support(section) = the largest, over any three sentences in a row of the section, of
                       sum of idf(w) over the answer's content words w that the three hold
                       / sum of idf(w) over all of the answer's content words

    idf(w) = ln(1 + N / (1 + n_w))        N body sections, of which n_w hold w

Content words are those of `eval.words`: lower case, no function words, cut to six letters. Three
sentences, because that is about as long as an answer is; a long section gains nothing by length.

Two things make a label certain:

- The answer is in one section: the best support is at least `SUPPORT` and ahead of the second
  by at least the share `MARGIN` of it; and those sentences with the section's heading hold at least
  `ASKED` of the question's weight, or so much of the answer (`PLAIN`) that they need not. That
  section gets grade 2.
- A section bears the question: its heading and the question have two content words or more in
  common, F1 of their idf at least `BEARS`, and the section supports some three sentences of the
  answer by at least `SUPPORT`. Each such section gets grade 2: a question has as many right
  sections as answer it.

Other questions go to the review page and are not counted until a person judges them.

The rule shares neither stems nor weights with a retriever, so it favours none. docs/evaluation.md
says how well it agrees with hand labels.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sklearn.metrics import cohen_kappa_score

from eval.measures.runs import Qrels, relevant
from eval.words import content, sentences
from rag.checks import SENTENCES, SUPPORT

MARGIN = 0.1
NEAR = 0.85
BEARS = 0.8
ASKED = 0.25
PLAIN = 0.4
# So many sections are shown to a person who judges what the rule cannot.
NEAREST = 8

Windows = Sequence[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Label:
    """What the rule says of one question.

    `grades` by section id; the best section's `support`, and by which share of it (`margin`) the
    second best falls behind; how much of the question's weight it holds there (`asked`); the
    `nearest` sections, best supported first; and the sections that bear the question.
    """

    grades: Mapping[str, int]
    support: float
    margin: float
    asked: float = 1.0
    nearest: tuple[str, ...] = ()
    bearing: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """In [0, 1]: 0.5 if the label just counts, 1 if support and margin are double."""
        asked = 1.0 if self.support >= PLAIN else self.asked / ASKED / 2
        told = min(1.0, self.support / SUPPORT / 2, self.margin / MARGIN / 2, asked)
        return max(told, 0.5) if self.bearing else told

    @property
    def stands_alone(self) -> bool:
        """Whether one section holds the answer."""
        told = self.asked >= ASKED or self.support >= PLAIN
        return told and self.support >= SUPPORT and self.margin >= MARGIN

    @property
    def certain(self) -> bool:
        """Whether the label counts."""
        return bool(self.bearing) or self.stands_alone


@dataclass(frozen=True, slots=True)
class Agreement:
    """Silver against hand labels over all (query, section) pairs, relevant or not.

    None if there is nothing to divide by.
    """

    precision: float | None
    recall: float | None
    kappa: float | None
    best_right: float
    queries: int
    pairs: int


def silver(
    answers: Mapping[str, str],
    sections: Mapping[str, str],
    questions: Mapping[str, str] | None = None,
    headings: Mapping[str, str] | None = None,
) -> dict[str, Label]:
    """The label of each answer, by query id, among the sections' texts, by section id.

    `questions` by query id, and `headings` by section id, tell which sections bear a question.
    """
    counts = Counter(word for text in sections.values() for word in content(text))
    idf = defaultdict(
        lambda: _idf(len(sections), 0), {w: _idf(len(sections), n) for w, n in counts.items()}
    )
    windows = {name: _windows(text) for name, text in sections.items()}
    heads = {name: content(heading) for name, heading in (headings or {}).items()}
    return {
        query: _label(content((questions or {}).get(query, "")), answer, windows, heads, idf)
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


def _windows(text: str) -> Windows:
    """The content words of each three sentences in a row; of all, if there are fewer."""
    held = [content(sentence) for sentence in sentences(text)]
    last = max(1, len(held) - SENTENCES + 1)
    return [frozenset().union(*held[at : at + SENTENCES]) for at in range(last)]


def _label(
    question: frozenset[str],
    answer: str,
    windows: Mapping[str, Windows],
    heads: Mapping[str, frozenset[str]],
    idf: Mapping[str, float],
) -> Label:
    words = content(answer)
    support = {name: _held([words], windows[name], idf) for name in sorted(windows)}
    parts = _windows(answer)

    bearing = tuple(
        name
        for name in support
        if _alike(question, heads.get(name, frozenset()), idf) >= BEARS
        and _held(parts, windows[name], idf) >= SUPPORT
    )
    best, second = sorted([0.0, 0.0, *support.values()])[:-3:-1]
    near = {name: value for name, value in support.items() if best and value >= NEAR * best}
    first = max(support, key=lambda name: support[name])
    there = max(windows[first], key=lambda window: _weight(words & window, idf))
    told = _held([question], [there | heads.get(first, frozenset())], idf) if question else 1.0
    nearest = sorted(filter(support.get, support), key=lambda name: (-support[name], name))
    label = Label(
        grades={name: 2 if value == best else 1 for name, value in near.items()},
        support=best,
        margin=(best - second) / best if best else 0.0,
        asked=told,
        nearest=tuple(nearest[:NEAREST]),
        bearing=bearing,
    )
    grades = label.grades if label.stands_alone or not bearing else {}
    return replace(label, grades={**grades, **dict.fromkeys(bearing, 2)})


def _held(parts: Sequence[frozenset[str]], windows: Windows, idf: Mapping[str, float]) -> float:
    """The largest share of a part's weight that a window holds; 0 of parts without words."""
    return max(
        (_weight(part & window, idf) / (_weight(part, idf) or 1.0))
        for part in parts
        for window in windows
    )


def _alike(question: frozenset[str], heading: frozenset[str], idf: Mapping[str, float]) -> float:
    """F1 of the weight that question and heading have in common; 0 for less than two words."""
    both = question & heading
    if len(both) < 2:
        return 0.0
    return 2 * _weight(both, idf) / (_weight(question, idf) + _weight(heading, idf))


def _weight(words: frozenset[str], idf: Mapping[str, float]) -> float:
    return math.fsum(idf[word] for word in words)


def _best(judged: Mapping[str, int]) -> set[str]:
    return {name for name, grade in judged.items() if grade == max(judged.values())}
