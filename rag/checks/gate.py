"""The gate: whether a new snapshot may take over from the one that answers.

Three checks. Counts must not collapse. The documents must not answer the FAQ worse, beyond what
chance explains: each question is asked of both snapshots, FAQ pairs are left out of what comes
back, and a passage is worth the share of the FAQ's answer that it holds, whatever document or
heading it stands under. And canaries, questions named in a file, must be answered; without a file,
FAQ questions whose pair stands unchanged must still be answered by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from rag.answering import Query, ask, best_of, encode_query, find_candidates
from rag.checks.canaries import TOP, Canary, broken_canaries, first_of
from rag.checks.faq_support import SUPPORT, Pair, Windows, drawn, held, key, pairs, weights, windows
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.text import counted

# A corpus of which more than this is lost was more likely misread than meant.
COLLAPSED = 0.5
# So many FAQ questions tell what there is to tell, in seconds.
QUESTIONS = 200
UNCHANGED = 20
DEPTH = 10
LEVEL = 0.05
# Fewer losses than these are within chance even where nothing is gained: 0.5 ** 4 > LEVEL.
FEWEST = 5
# What comes this near to the best that was held is as good.
NEAR = 0.85


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate found: `reasons` against publishing, and `notes` on what it could not judge.

    `figures` are over the FAQ questions asked, `n` of them, FAQ pairs left out: the share for which
    the first passage, or one of the first three, supports the answer, and the mean reciprocal rank
    of the first that does.
    """

    figures: Mapping[str, float]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against publishing."""
        return not self.reasons

    @property
    def remark(self) -> str:
        """Reasons and notes in one line."""
        return "; ".join([*self.reasons, *self.notes])

    def __str__(self) -> str:
        measured = ", ".join(f"{name} {value:g}" for name, value in self.figures.items())
        state = "passed" if self.passed else "overruled"
        return ": ".join(filter(None, [f"gate {state} ({measured})", self.remark]))

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain JSON values."""
        return {
            "passed": self.passed,
            "figures": dict(self.figures),
            "reasons": list(self.reasons),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and which share of its answer each of the first ten passages holds, best passage
    first. `before` is None where the question is new."""

    question: str
    before: tuple[float, ...] | None
    after: tuple[float, ...]

    @property
    def found(self) -> bool:
        """Whether one of the first three passages supported the answer before."""
        return _best(self.before or ()) >= SUPPORT

    @property
    def move(self) -> int:
        """-1 where the first three hold notably less of the answer than before, 1 where more."""
        if self.before is None:
            return 0
        was, now = _best(self.before), _best(self.after)
        return (now >= SUPPORT and was < NEAR * now) - (was >= SUPPORT and now < NEAR * was)


def judge(
    before: Snapshot | None, after: Snapshot, encoder: Encoder, canaries: Sequence[Canary] = ()
) -> Outcome:
    """What speaks against publishing `after` in place of `before`, if anything answered before.

    Without canaries, FAQ questions take their place.
    """
    asked = ask_faq(before, after, encoder)
    if canaries:
        broken = broken_canaries(before, after, encoder, canaries)
    else:
        broken = _broken_pairs(before, after, encoder)
    reasons = [*_collapsed(before, after), *_worse(asked), *broken]
    return Outcome(figures(asked), tuple(reasons), tuple(_unjudged(before, asked)))


def ask_faq(before: Snapshot | None, after: Snapshot, encoder: Encoder) -> list[Asked]:
    """The questions of the new FAQ, those of both FAQs first, put to the snapshots that have them.

    No more than `QUESTIONS`, drawn by a hash of their words.
    """
    old, new = pairs(before) if before else {}, pairs(after)
    first = sorted(drawn(new), key=lambda each: each not in old)[:QUESTIONS]
    cached = cache(windows)
    return [
        _put(new[each], after, before if each in old else None, encoder, cached) for each in first
    ]


def figures(asked: Sequence[Asked]) -> dict[str, float]:
    """hit@1, hit@3 and MRR of the new snapshot, to four digits, and n; n alone where it is 0."""
    n = len(asked)
    if not asked:
        return {"n": 0}
    ranks = [_rank(each.after) for each in asked]
    return {
        "hit@1": round(sum(rank <= 1 for rank in ranks) / n, 4),
        "hit@3": round(sum(rank <= TOP for rank in ranks) / n, 4),
        "MRR": round(sum(1 / rank for rank in ranks) / n, 4),
        "n": n,
    }


def chance(lost: int, gained: int) -> float:
    """How likely so many losses or more are, were a question lost as likely as one gained.

    The exact sign test, one-sided (McNemar 1947), which for hits is Fisher's randomisation test.
    """
    moved = lost + gained
    return sum(math.comb(moved, k) for k in range(lost, moved + 1)) / (1 << moved)


def _collapsed(before: Snapshot | None, after: Snapshot) -> Iterator[str]:
    if before is None:
        return
    was, now = before.manifest.counts, after.manifest.counts
    for name in ("documents", "passages"):
        old, new = getattr(was, name), getattr(now, name)
        if new < COLLAPSED * old:
            yield f"{old} {name} before, {new} now, fewer than half: see that all files are there"
    if was.faq_pairs and not now.faq_pairs:
        yield (
            f"{counted(was.faq_pairs, 'FAQ pair')} before, 0 now, so that nothing tells how good "
            "the answers are: bring them back"
        )


def _worse(asked: Sequence[Asked]) -> Iterator[str]:
    lost = [each.question for each in asked if each.move < 0]
    gained = sum(each.move > 0 for each in asked)
    p = chance(len(lost), gained)
    if p < LEVEL:
        both = [(each.before, each.after) for each in asked if each.before is not None]
        was, now = (sum(map(_best, shares)) / len(both) for shares in zip(*both, strict=True))
        yield (
            f"of {len(both)} FAQ questions, {len(lost)} find less of their answer among the first "
            f"{TOP} passages than before, {gained} find more (p = {p:.2g}; on average {was:.0%} of "
            f"the answer before, {now:.0%} now); less: {_listed(lost)}: see that their passages "
            "are there"
        )


def _unjudged(before: Snapshot | None, asked: Sequence[Asked]) -> Iterator[str]:
    found = sum(each.found for each in asked)
    if before is not None and found < FEWEST:
        both = sum(each.before is not None for each in asked)
        yield (
            f"too few to judge: of {counted(both, 'FAQ question')} in both, {found} found their "
            f"answer in the documents before, and {FEWEST} are needed"
        )


def _broken_pairs(before: Snapshot | None, after: Snapshot, encoder: Encoder) -> Iterator[str]:
    """Nothing where either leaves the pairs out of its index: then no pair can answer."""
    if before is None or "without" in (before.manifest.recipe.faq, after.manifest.recipe.faq):
        return
    old, new = pairs(before), pairs(after)
    kept = (each for each in drawn(new) if each in old and old[each].answer == new[each].answer)
    asked = [new[each].question for each in islice(kept, UNCHANGED)]
    was = [question for question in asked if _answers_itself(before, encoder, question, 1)]
    lost = [question for question in was if not _answers_itself(after, encoder, question, TOP)]
    if lost:
        yield (
            f"of {counted(len(asked), 'FAQ question')} whose pair stands unchanged, {len(was)} "
            f"answered by it before and {len(was) - len(lost)} now; lost: {_listed(lost)}: see "
            "what answers them by `rag ask`"
        )


def _answers_itself(snapshot: Snapshot, encoder: Encoder, question: str, top: int) -> bool:
    answer = ask(snapshot, encoder, question, top_k=top)
    sections = [snapshot.sections[cited.hit.passage.section_id] for cited in answer.passages]
    own = (each.kind == "faq" and key(each.heading_path[-1]) == key(question) for each in sections)
    return not answer.abstained and any(own)


def _put(
    pair: Pair,
    after: Snapshot,
    before: Snapshot | None,
    encoder: Encoder,
    cut: Callable[[str], Windows],
) -> Asked:
    query, heavy = encode_query(pair.question, encoder), weights(pair.answer, after)

    def shares(snapshot: Snapshot) -> tuple[float, ...]:
        return tuple(held(heavy, cut(text)) for text in _texts(snapshot, query))

    return Asked(pair.question, shares(before) if before else None, shares(after))


def _texts(snapshot: Snapshot, query: Query) -> list[str]:
    """The first ten passages for a question, FAQ pairs left out."""
    found = find_candidates(snapshot, query, body_only=True)
    return [hit.passage.text for hit in best_of(found, DEPTH)]


def _best(shares: Sequence[float]) -> float:
    return max(shares[:TOP], default=0.0)


def _rank(shares: Sequence[float]) -> float:
    return next((rank for rank, share in enumerate(shares, 1) if share >= SUPPORT), math.inf)


def _listed(questions: Sequence[str]) -> str:
    return first_of([repr(question) for question in questions])
