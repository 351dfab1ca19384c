"""Confidence: how likely it is that the first passages answer the question.

It is made of the question, one of the first passages, and that one's document. So copies, other
documents and filters do not change it, and one passage is enough:

    confidence = logistic(bias + slope * coverage + lead * lead) * number^(0 or 1) * name^(share)

`coverage` says how much of the question one sentence and the headings above hold, `lead` how far
the passage is ahead of the rest of its document. Below `DOUBTED` the log odds are steeper, so that
passages that have nothing to do with the question come close to 0. The discounts are for terms that
the passage does not hold: a number or identifier, and names. Without its own KZ-300-B a passage is
about a neighbour, however much alike (docs/decisions/0012-confidence.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from rag.answering.alignment import Alignment, align
from rag.answering.profile import Profile, profile_of
from rag.answering.search import Candidates
from rag.answering.terms import Term, missing_terms, specific_terms
from rag.index import Calibration, Manifest, ModelInfo, Snapshot
from rag.types import Caution, Finding, Passage

# One of the first passages must be good.
FIRST = 3
# exp overflows above some 709.
MOST = 700.0
# Passages below these log odds hardly ever answer, so further down the log odds fall faster.
DOUBTED = -2.0
STEEPER = 4.0
# The rest of a document is judged by so many of its passages, as if there were so many more with
# which the lead is what it mostly is.
OTHERS = 10
USUAL = 6
USUAL_LEAD = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a passage holds of a question.

    `lead` is by how much the passage's late-interaction score exceeds the median of its document's
    other passages. `missing` are the specific terms that the passage and its context do not hold,
    and `names` is their share of the question's names.
    """

    alignment: Alignment
    lead: float
    missing: tuple[Term, ...]
    names: float

    @property
    def number(self) -> bool:
        """Whether a number or identifier is missing."""
        return any(term.is_number for term in self.missing)


def evidence(
    candidates: Candidates, passages: Sequence[Passage], aligned: Sequence[Alignment]
) -> list[Evidence]:
    """What each passage, with its alignment, holds of the question."""
    terms = specific_terms(candidates.query.text)
    leads = _leads(candidates, [candidates.snapshot.row(passage) for passage in passages])
    texts = [passage.in_context for passage in passages]
    return [_evidence(terms, *each) for each in zip(texts, aligned, leads, strict=True)]


def confidence(candidates: Candidates) -> float:
    """The probability in [0, 1] that the first passages answer; 0 if there are none."""
    return confidence_by(_first(candidates), candidates.snapshot.manifest)


def confidence_by(found: Sequence[Evidence], manifest: Manifest) -> float:
    """The same by what the first passages hold."""
    profile, fitted = profile_of(manifest.model), manifest.calibration
    return max((_probability(profile, fitted, each) for each in found), default=0.0)


def confidence_in_text(question: str, text: str, aligned: Alignment, manifest: Manifest) -> float:
    """The same of one text that is in no document: its lead is the usual one."""
    found = _evidence(specific_terms(question), text, aligned, USUAL_LEAD)
    return _probability(profile_of(manifest.model), manifest.calibration, found)


def verdict_on(sure: float, fitted: Calibration) -> Finding:
    """The confidence in a word.

    From the threshold on, all answers together keep the allowed risk. `answered` keeps it alone.
    """
    if sure < fitted.threshold:
        return "not_found"
    return "answered" if sure >= 1 - fitted.risk else "maybe"


def log_odds(candidates: Candidates) -> float:
    """The log odds, discounts aside, that the best of at least one candidate answer, if half of the
    questions have an answer."""
    profile = profile_of(candidates.snapshot.manifest.model)
    return max(_odds(profile, each) for each in _first(candidates))


def uncalibrated(model: ModelInfo, caution: Caution) -> Calibration:
    """The calibration of the public sets; between the profile's risks it is interpolated."""
    risks, thresholds = zip(*profile_of(model).thresholds, strict=True)
    even, prior = float(np.interp(caution.risk, risks, thresholds)), _logit(caution.answerable)
    threshold = _logistic(_logit(even) + prior)
    return Calibration(
        bias=round(prior, 4),
        scale=1.0,
        threshold=round(threshold, 4),
        risk=caution.risk,
        answerable=caution.answerable,
        questions=0,
    )


def _first(candidates: Candidates) -> list[Evidence]:
    first = [hit.passage for hit in candidates.best(FIRST)]
    return evidence(candidates, first, align(candidates.snapshot, candidates.interaction, first))


def _odds(profile: Profile, found: Evidence) -> float:
    odds = profile.bias + profile.slope * found.alignment.coverage + profile.lead * found.lead
    return odds + STEEPER * min(0.0, odds - DOUBTED)


def _probability(profile: Profile, fitted: Calibration, found: Evidence) -> float:
    near = _logistic(fitted.bias + fitted.scale * _odds(profile, found))
    lost = (profile.number if found.number else 1.0) * float(profile.name**found.names)
    return near * lost


def _evidence(terms: Sequence[Term], text: str, alignment: Alignment, lead: float) -> Evidence:
    missing = missing_terms(terms, text)
    names = sum(not term.is_number for term in terms)
    lost = sum(not term.is_number for term in missing)
    return Evidence(
        alignment=alignment,
        lead=lead,
        missing=missing,
        names=lost / max(1, names),
    )


def _leads(candidates: Candidates, rows: Sequence[int]) -> list[float]:
    """The lead of each passage over the rest of its document, drawn towards the usual one if that
    is short."""
    rest = {row: _rest(candidates.snapshot, row) for row in rows}
    met = [*rows, *(other for others in rest.values() for other in others)]
    scores = dict(zip(met, candidates.interaction.scores(met).tolist(), strict=True))
    return [_lead(scores[row], [scores[other] for other in rest[row]]) for row in rows]


def _lead(own: float, rest: Sequence[float]) -> float:
    lead = own - median(rest) if rest else 0.0
    return (len(rest) * lead + USUAL * USUAL_LEAD) / (len(rest) + USUAL)


def _rest(snapshot: Snapshot, row: int) -> list[int]:
    """Other passages of the same document, at even distances: the same ones for each passage."""
    rows = snapshot.passages.of(snapshot.passages.document(row))
    drawn = rows[:: -(-len(rows) // OTHERS)]
    return [other for other in drawn if other != row]


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(min(MOST, -log_odds)))


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
