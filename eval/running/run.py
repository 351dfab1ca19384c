"""A run asks a snapshot the questions of an eval set, and its written questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from eval.measures.abstention import RISK, auroc, calibration
from eval.measures.risk import coverage_at, risk_coverage
from eval.measures.runs import Qrels
from eval.running.evaluation import TOP, AskedQuery, leaks, measured, put, quoted_sections
from eval.running.result import LEAKY, Abstention, GroupResult, Result, run_facts
from eval.running.systems import SERVED, SYSTEMS
from eval.sets.evalset import EvalQuery, EvalSet, check_sections
from eval.sets.written_questions import Written
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import MAX_TOP_K, Progress
from rag.types.errors import UsageError

FAQ_NOTE = {
    "documents": "The FAQ pairs are left out of the index: the documents must answer.",
    "faq-only": "This corpus is nothing but FAQ: the answers alone, without their questions, are "
    "in the index, and each question must find its own.",
}
LEAK_NOTE = (
    "The same questions with the FAQ pairs left in the index, where each finds itself: what a "
    "careless test would report. It says nothing about quality."
)
WRITTEN = {
    "written": (
        "Written questions",
        "Written for this corpus, answered by its text; the FAQ pairs are left out.",
    ),
    "feedback": (
        "Readers' questions",
        "Asked and judged by readers, who saw what was found: questions whose answer was not shown "
        "are missing. The FAQ pairs are left out.",
    ),
}


def run_set(
    evalset: EvalSet,
    snapshot: Snapshot,
    leaky: Snapshot | None,
    encoder: Encoder,
    written: Sequence[Written],
    command: Sequence[str],
    progress: Progress,
) -> Result:
    """The result of a set on a snapshot without the FAQ's questions; `leaky` is one with them.

    Raises UsageError if the snapshot is of another corpus or holds the FAQ pairs.
    """
    _check_index(evalset, snapshot)
    groups = []
    if evalset.origin != "feedback":
        asked = put(snapshot, encoder, _counted(evalset), evalset.qrels, progress)
        groups.append(measured("faq", "FAQ questions", FAQ_NOTE[evalset.kind], asked))
    if leaky is not None:
        groups.append(_leak_group(evalset, leaky, encoder, progress))
    queries, grades = [each.query for each in written], {w.query.id: w.grades for w in written}
    answered = put(snapshot, encoder, queries, grades, progress)
    if answered:
        title, note = WRITTEN["feedback" if evalset.origin == "feedback" else "written"]
        groups.append(measured("written", title, note, answered))
    outcomes = {each.query.id: each.answerable for each in written}
    return Result(
        name=evalset.name,
        kind=evalset.kind,
        facts=run_facts(snapshot.manifest, command, {"passages": MAX_TOP_K, "top": TOP}),
        labels=_labels(evalset, snapshot.manifest.corpus_sha256),
        groups=groups,
        leaks=leaks(_counted(evalset), snapshot.passages),
        abstention=abstention(answered, outcomes),
        answerable=sum(outcomes.values()),
        unanswerable=len(outcomes) - sum(outcomes.values()),
        sections=quoted_sections([each for each in groups if each.name != LEAKY], snapshot),
    )


def abstention(asked: Sequence[AskedQuery], answerable: Mapping[str, bool]) -> list[Abstention]:
    """Each system's confidence against what was answerable; empty if all is, or nothing."""
    if len(set(answerable.values())) < 2:
        return []
    return [_abstention(system, asked, answerable) for system in SYSTEMS]


def _abstention(
    system: str, asked: Sequence[AskedQuery], answerable: Mapping[str, bool]
) -> Abstention:
    known = [answerable[each.query.id] for each in asked]
    confidence = [each.confidence[system] for each in asked]
    right = [each.right(system) and given for each, given in zip(asked, known, strict=True)]
    points = risk_coverage(confidence, np.logical_not(right))
    return Abstention(
        system=system,
        title=SYSTEMS[system].title,
        auroc=auroc(confidence, known),
        at_risk=coverage_at(points, RISK),
        points=points,
        bins=calibration(confidence, right) if system == SERVED else [],
    )


def _check_index(evalset: EvalSet, snapshot: Snapshot) -> None:
    check_sections(evalset.qrels, snapshot.sections, evalset.name)
    if snapshot.manifest.recipe.faq == "with" and evalset.has_own_pairs:
        raise UsageError(
            "the index holds the FAQ pairs themselves, so that every question would find its own: "
            "build it with `rag build --no-faq`, or leave --index out"
        )


def _leak_group(
    evalset: EvalSet, leaky: Snapshot, encoder: Encoder, progress: Progress
) -> GroupResult:
    qrels: Qrels = {
        query.id: {**evalset.qrels[query.id], **dict.fromkeys(query.sections, 2)}
        for query in evalset.queries
        if query.id in evalset.qrels
    }
    asked = put(leaky, encoder, _counted(evalset), qrels, progress)
    return measured(LEAKY, "FAQ questions, pairs in the index", LEAK_NOTE, asked)


def _counted(evalset: EvalSet) -> list[EvalQuery]:
    return [query for query in evalset.queries if query.id in evalset.qrels]


def _labels(evalset: EvalSet, corpus_sha256: str) -> dict[str, object]:
    return {
        "stale": evalset.corpus_sha256 != corpus_sha256,
        "origin": evalset.origin,
        "pairs": evalset.pairs,
        "questions": len(evalset.queries),
        "counted": len(evalset.qrels),
        "trust": asdict(evalset.trust) if evalset.trust else None,
    }
