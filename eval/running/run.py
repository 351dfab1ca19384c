"""A run asks a snapshot the questions of an eval set, and its written questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from eval.measures.abstention import RISK, Outcome, auroc, calibration
from eval.measures.runs import Qrels
from eval.running.evaluation import TOP, Asked, Group, evaluate, leaks, put
from eval.running.result import LEAKY, Abstention, GroupResult, Question, Result, Row, facts
from eval.running.systems import SERVED, SYSTEMS, Found, find
from eval.sets.evalset import EvalSet, Query, check_sections
from eval.sets.written_questions import Written
from rag.answering import coverage_at, risk_coverage
from rag.encoders import Encoder
from rag.errors import UsageError
from rag.index import Snapshot
from rag.types import MAX_TOP_K, Progress

FAQ_NOTE = {
    "documents": "The FAQ pairs are left out of the index: the documents must answer.",
    "faq-only": "This corpus is nothing but FAQ: the answers alone, without their questions, are "
    "in the index, and each question must find its own.",
}
LEAK_NOTE = (
    "The same questions with the FAQ pairs left in the index, where each finds itself: what a "
    "careless test would report. It says nothing about quality."
)
WRITTEN_NOTE = "Written for this corpus, answered by its text; the FAQ pairs are left out."


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
    ask = _finder(snapshot, encoder)
    groups = [_faq_group(evalset, put(_counted(evalset), evalset.qrels, ask, progress))]
    if leaky is not None:
        groups.append(_leak_group(evalset, leaky, encoder, progress))
    answered = put(
        [each.query for each in written], {w.query.id: w.grades for w in written}, ask, progress
    )
    if answered:
        groups.append(
            group_result(
                "written", "Written questions", WRITTEN_NOTE, evaluate("written", answered)
            )
        )
    outcomes = {each.query.id: each.answerable for each in written}
    return Result(
        name=evalset.name,
        kind=evalset.kind,
        facts=facts(snapshot.manifest, command, {"passages": MAX_TOP_K, "top": TOP}),
        labels=_labels(evalset, snapshot.manifest.corpus_sha256),
        groups=groups,
        leaks=leaks(_counted(evalset), snapshot.passages),
        abstention=abstention(answered, outcomes),
        answerable=sum(outcomes.values()),
        unanswerable=len(outcomes) - sum(outcomes.values()),
    )


def abstention(asked: Sequence[Asked], answerable: Mapping[str, bool]) -> list[Abstention]:
    """Each system's confidence against what was answerable; empty if all is, or nothing."""
    if len(set(answerable.values())) < 2:
        return []
    return [_abstention(system, asked, answerable) for system in SYSTEMS]


def group_result(name: str, title: str, note: str, group: Group) -> GroupResult:
    """A group in the form of the results file."""
    return GroupResult(
        name=name,
        title=title,
        note=note,
        rows=[Row(name, SYSTEMS[name].title, group.intervals(name)) for name in SYSTEMS],
        questions=[_question(each, group) for each in group.asked],
    )


def _abstention(system: str, asked: Sequence[Asked], answerable: Mapping[str, bool]) -> Abstention:
    outcomes = [
        Outcome(
            each.query.id,
            each.confidence[system],
            answerable[each.query.id],
            answerable[each.query.id] and each.right(system),
        )
        for each in asked
    ]
    points = risk_coverage(
        [each.confidence for each in outcomes], [not each.right for each in outcomes]
    )
    return Abstention(
        system=system,
        title=SYSTEMS[system].title,
        auroc=auroc(outcomes),
        at_risk=coverage_at(points, RISK),
        points=points,
        bins=calibration(outcomes) if system == SERVED else [],
    )


def _check_index(evalset: EvalSet, snapshot: Snapshot) -> None:
    check_sections(evalset.qrels, snapshot.sections, evalset.name)
    if snapshot.manifest.recipe.faq == "with" and evalset.queries[0].sections:
        raise UsageError(
            "the index holds the FAQ pairs themselves, so that every question would find its own: "
            "build it with `rag build --no-faq`, or leave --index out"
        )


def _finder(snapshot: Snapshot, encoder: Encoder) -> Callable[[str], Found]:
    return lambda question: find(snapshot, encoder, question)


def _faq_group(evalset: EvalSet, asked: Sequence[Asked]) -> GroupResult:
    return group_result("faq", "FAQ questions", FAQ_NOTE[evalset.kind], evaluate("faq", asked))


def _leak_group(
    evalset: EvalSet, leaky: Snapshot, encoder: Encoder, progress: Progress
) -> GroupResult:
    qrels: Qrels = {
        query.id: {**evalset.qrels[query.id], **dict.fromkeys(query.sections, 2)}
        for query in evalset.queries
        if query.id in evalset.qrels
    }
    asked = put(_counted(evalset), qrels, _finder(leaky, encoder), progress)
    return group_result(
        LEAKY, "FAQ questions, pairs in the index", LEAK_NOTE, evaluate("leak", asked)
    )


def _counted(evalset: EvalSet) -> list[Query]:
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


def _question(asked: Asked, group: Group) -> Question:
    return Question(
        id=asked.query.id,
        text=asked.query.text,
        expected=dict(sorted(asked.grades.items())),
        returned=asked.returned,
        values={
            system: {measure: values[asked.query.id] for measure, values in measures.items()}
            for system, measures in group.values.items()
        },
        confidence=asked.confidence,
    )
