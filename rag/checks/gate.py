"""The gate: whether a new snapshot may replace the live one.

It makes three checks.

1. Counts must not collapse.
2. The documents must not answer the FAQ worse than before, beyond what chance explains. Each FAQ
   question is asked of both snapshots, without the FAQ pairs themselves. A passage is worth the
   share of the FAQ answer that it holds, in any document, under any heading.
3. The canaries must be answered. Without canaries, FAQ questions whose pair has not changed must
   still be answered by that pair.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from rag.answering import ask, encode_query, find_candidates
from rag.checks.canaries import TOP, Canary, broken_canaries, first_of
from rag.checks.faq_support import SUPPORT, answer_share, drawn_pairs, question_key
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.text import counted

# A corpus that loses more than this was probably misread.
COLLAPSED = 0.5
# More questions take longer and add little.
QUESTIONS = 200
UNCHANGED = 20
DEPTH = 10
SIGNIFICANCE = 0.05
# Fewer losses are within chance even if nothing is gained: 0.5 ** 4 > SIGNIFICANCE.
FEWEST = 5
# A passage that holds this much of the best share is as good: the share is a rough measure.
NEAR = 0.85


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found: `reasons` against publishing, and `notes` on what it could not judge.

    `figures` are over the `n` FAQ questions that were asked, FAQ pairs left out. hit@1 and hit@3
    are the shares of questions with a supporting passage at rank 1, and within the first three.
    MRR is the mean reciprocal rank of the first supporting passage.
    """

    figures: Mapping[str, float]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether there is no reason against publishing."""
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
        return {"passed": self.passed, **asdict(self)}


@dataclass(frozen=True, slots=True)
class FaqShares:
    """A question, and the share of its answer that each of the first ten passages holds.

    The best passage comes first. `before` is None if the question is new.
    """

    question: str
    before: tuple[float, ...] | None
    after: tuple[float, ...]

    @property
    def found(self) -> bool:
        """Whether one of the first three passages supported the answer before."""
        return _best(self.before or ()) >= SUPPORT

    @property
    def move(self) -> int:
        """-1 if the first three hold notably less of the answer than before, 1 if more, else 0."""
        if self.before is None:
            return 0
        was, now = _best(self.before), _best(self.after)
        return (now >= SUPPORT and was < NEAR * now) - (was >= SUPPORT and now < NEAR * was)


def judge(
    before: Snapshot | None, after: Snapshot, encoder: Encoder, canaries: Sequence[Canary] = ()
) -> GateResult:
    """What the gate finds of `after`; `before` is the live snapshot, if there is one."""
    asked = ask_faq(before, after, encoder)
    if canaries:
        broken = broken_canaries(before, after, encoder, canaries)
    else:
        broken = _broken_pairs(before, after, encoder)
    reasons = [*_collapsed(before, after), *_worse(asked), *broken]
    return GateResult(figures(asked), tuple(reasons), tuple(_unjudged(before, asked)))


def ask_faq(before: Snapshot | None, after: Snapshot, encoder: Encoder) -> list[FaqShares]:
    """Asks the questions of the new FAQ of each snapshot that has them.

    At most `QUESTIONS` are asked, in the order of `drawn_pairs`, those of both FAQs first.
    """
    old, new = drawn_pairs(before) if before else {}, drawn_pairs(after)
    share = answer_share(after)

    def put(key: str) -> FaqShares:
        pair = new[key]
        query = encode_query(pair.question, encoder)

        def shares(snapshot: Snapshot) -> tuple[float, ...]:
            hits = find_candidates(snapshot, query, body_only=True).best(DEPTH)
            return tuple(share(pair.answer, hit.passage.text) for hit in hits)

        was = shares(before) if before and key in old else None
        return FaqShares(pair.question, was, shares(after))

    return [put(key) for key in sorted(new, key=lambda key: key not in old)[:QUESTIONS]]


def figures(asked: Sequence[FaqShares]) -> dict[str, float]:
    """hit@1, hit@3 and MRR of the new snapshot, to four digits, and n; only n if it is 0."""
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
    """The probability of at least that many losses if losses and gains are equally likely.

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
            yield f"{old} {name} before, {new} now, fewer than half: check that all files are there"
    if was.faq_pairs and not now.faq_pairs:
        yield (
            f"{counted(was.faq_pairs, 'FAQ pair')} before, 0 now, so that the answers cannot be "
            "measured: restore them"
        )


def _worse(asked: Sequence[FaqShares]) -> Iterator[str]:
    lost = [repr(each.question) for each in asked if each.move < 0]
    gained = sum(each.move > 0 for each in asked)
    p = chance(len(lost), gained)
    if p < SIGNIFICANCE:
        both = [(each.before, each.after) for each in asked if each.before is not None]
        was, now = (sum(map(_best, shares)) / len(both) for shares in zip(*both, strict=True))
        yield (
            f"of {len(both)} FAQ questions, {len(lost)} find less of their answer in the first "
            f"{TOP} passages than before, {gained} find more (p = {p:.2g}; on average {was:.0%} of "
            f"the answer before, {now:.0%} now); less: {first_of(lost)}: check that their passages "
            "are there"
        )


def _unjudged(before: Snapshot | None, asked: Sequence[FaqShares]) -> Iterator[str]:
    found = sum(each.found for each in asked)
    if before is not None and found < FEWEST:
        both = sum(each.before is not None for each in asked)
        yield (
            f"too few to judge: of {counted(both, 'FAQ question')} in both, {found} found their "
            f"answer in the documents before, and {FEWEST} are needed"
        )


def _broken_pairs(before: Snapshot | None, after: Snapshot, encoder: Encoder) -> Iterator[str]:
    """The reason if unchanged FAQ pairs no longer answer; nothing if an index leaves pairs out."""
    if before is None or "without" in (before.manifest.recipe.faq, after.manifest.recipe.faq):
        return
    old, new = drawn_pairs(before), drawn_pairs(after)
    unchanged = (
        pair.question for key, pair in new.items() if key in old and old[key].answer == pair.answer
    )
    asked = list(islice(unchanged, UNCHANGED))
    was = [question for question in asked if _answers_itself(before, encoder, question, 1)]
    lost = [repr(each) for each in was if not _answers_itself(after, encoder, each, TOP)]
    if lost:
        yield (
            f"of {counted(len(asked), 'FAQ question')} whose pair has not changed, {len(was)} were "
            f"answered by it before and {len(was) - len(lost)} now; lost: {first_of(lost)}: see "
            "what `rag ask` returns for them"
        )


def _answers_itself(snapshot: Snapshot, encoder: Encoder, question: str, top: int) -> bool:
    """Whether a pair with that question is among the first passages of an answer."""
    answer = ask(snapshot, encoder, question, top_k=top)
    sections = [snapshot.sections[cited.hit.passage.section_id] for cited in answer.passages]
    key = question_key(question)
    own = (s.kind == "faq" and question_key(s.heading_path[-1]) == key for s in sections)
    return not answer.abstained and any(own)


def _best(shares: Sequence[float]) -> float:
    return max(shares[:TOP], default=0.0)


def _rank(shares: Sequence[float]) -> float:
    return next((rank for rank, share in enumerate(shares, 1) if share >= SUPPORT), math.inf)
