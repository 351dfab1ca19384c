"""What a figure means and how sure it is, in plain words."""

from __future__ import annotations

from eval.measures.retrieval import PRIMARY
from eval.measures.stats import Comparison, Interval, compare
from eval.running.result import GroupResult, Result, SystemFigures
from eval.running.systems import SERVED
from rag.text import counted

FEW = 30
LABELS = {
    "hand": "The labels were judged by hand.",
    "mixed": "Some labels were judged by hand; the others are silver: made by rule from the FAQ's "
    "answers.",
    "table": "The labels are those of the table.",
    "silver": "The labels are silver: made by rule from the FAQ's answers, not judged by hand.",
    "feedback": "The labels are what readers said of the answers that they got.",
    "own answer": "Each question's gold is its own answer.",
}


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{round(100 * share)}%"


def with_interval(interval: Interval) -> str:
    """A mean with its interval: `.75 [.41, .93]`."""
    return f"{_short(interval.mean)} [{_short(interval.low)}, {_short(interval.high)}]"


def verdict(result: Result) -> str:
    """Two to five sentences on the main figure: what it is, how sure, and on what labels."""
    if result.kind == "public":
        return _public(result)
    group = result.groups[0]
    parts = [
        _meaning(group),
        _sureness(group),
        LABELS[result.labels["origin"]],
        _trust(result),
        _unjudged(result),
    ]
    if result.labels["stale"]:
        parts.append(
            "The corpus has changed since the labels were made: run `rag eval build` again."
        )
    if result.leaks:
        parts.append(
            f"Beware: {len(result.leaks)} of the {counted(len(group.questions), 'question')} are "
            "word for word in the index that was measured, so the figure is too good to be true."
        )
    return " ".join(part for part in parts if part)


def abstaining(result: Result) -> str:
    """A sentence or two on how well the service knows what it cannot answer; "" if not measured."""
    if not result.abstention:
        return ""
    served = result.abstention[-1]
    asked = f"{result.answerable} answerable and {result.unanswerable} unanswerable questions"
    if served.auroc is None:
        return ""
    sentence = (
        f"On {asked}, an answerable one got the higher confidence in "
        f"{percent(served.auroc)} of all pairs."
    )
    if served.at_risk is None:
        return f"{sentence} No threshold keeps the wrong answers to 5%."
    return (
        f"{sentence} Answering only above {served.at_risk.threshold:.2f} would answer "
        f"{percent(served.at_risk.coverage)} of all questions with at most 5% of them wrong."
    )


def comparison(a: str, b: str, found: Comparison, measure: str) -> str:
    """What a comparison of B with A says, in two or three sentences."""
    effect = found.effect
    if found.p < 0.05:
        better = "better" if effect.mean > 0 else "worse"
        first = f"{b} is {better} than {a}: {measure} differs by {effect.mean:+.3f}"
    else:
        first = f"No difference shown between {a} and {b}: {measure} differs by {effect.mean:+.3f}"
    sentences = [
        f"{first} (95% interval {effect.low:+.3f} to {effect.high:+.3f}, p = {found.p:.3f}, "
        f"{effect.n} questions)."
    ]
    sentences.append(
        f"{b} is ahead on {len(found.wins)} questions, behind on {len(found.losses)}, "
        f"level on {found.ties}."
    )
    if found.detectable is not None:
        sentences.append(
            f"A true difference under {found.detectable:.3f} would mostly go unseen on this set."
        )
    return " ".join(sentences)


def served(group: GroupResult) -> SystemFigures:
    """The row of the system as served, or the last one."""
    return next((row for row in group.rows if row.system == SERVED), group.rows[-1])


def _meaning(group: GroupResult) -> str:
    first, third = (served(group).figures[name] for name in ("Success@1", "Success@3"))
    return (
        f"Of {counted(first.n, 'question')}, the first passage was from a right section for "
        f"{percent(first.mean)} (95% interval {percent(first.low)} to {percent(first.high)}), "
        f"one of the first three for {percent(third.mean)} "
        f"({percent(third.low)} to {percent(third.high)})."
    )


def _sureness(group: GroupResult) -> str:
    found = served(group).figures[PRIMARY]
    smallest = detectable_difference(group)
    unseen = ""
    if smallest is not None:
        unseen = (
            f", and a difference under {smallest:.2f} between two systems would mostly go unseen"
        )
    if found.n < FEW:
        return (
            f"With only {counted(found.n, 'question')} this is a rough figure: {PRIMARY} of "
            f"{found.mean:.2f} could as well be {found.low:.2f} or {found.high:.2f}{unseen}."
        )
    return (
        f"{PRIMARY} is {found.mean:.2f}, between {found.low:.2f} and {found.high:.2f} for other "
        f"questions of the same kind{unseen}."
    )


def _public(result: Result) -> str:
    """How good the search is on a public set, and whether the figures agree with published ones."""
    published, group = result.groups
    found = served(group).figures[PRIMARY]
    agreeing = [
        f"{row.title} {row.figures[PRIMARY].mean:.3f} (published {row.reference:.3f})"
        for row in published.rows
        if row.reference is not None
    ]
    proof = f" Measured as others publish it: {', '.join(agreeing)}." if agreeing else ""
    return (
        f"On {counted(found.n, 'question')} the search as served reaches {PRIMARY} "
        f"{found.mean:.3f} (95% interval {found.low:.3f} to {found.high:.3f}).{proof}"
    )


def detectable_difference(group: GroupResult) -> float | None:
    """The smallest nDCG@10 difference from the served system that the group would show, judged
    by the other system that differs most from question to question."""
    best = served(group).system
    names = [question.id for question in group.questions]
    found = [
        compare(names, _values(group, row.system), _values(group, best)).detectable
        for row in group.rows
        if row.system != best
    ]
    return max((each for each in found if each is not None), default=None)


def _values(group: GroupResult, system: str) -> list[float]:
    return [question.values[system][PRIMARY] for question in group.questions]


def _trust(result: Result) -> str:
    trust = result.labels.get("trust")
    if not trust or trust["kappa"] is None:
        return ""
    return (
        f"The silver rule, checked on {counted(trust['queries'], 'question')} that were judged by "
        "hand or table, has precision "
        f"{trust['precision']:.2f}, recall {trust['recall']:.2f} and kappa {trust['kappa']:.2f}."
    )


def _unjudged(result: Result) -> str:
    """How many questions have no label, and how a person gives them one."""
    asked, labelled = result.labels["questions"], result.labels["counted"]
    if asked == labelled:
        return ""
    return (
        f"{asked - labelled} of the FAQ's {counted(asked, 'question')} are not counted, as the "
        "rule cannot tell which sections answer them: judge them on the set's page review.html."
    )


def _short(value: float) -> str:
    """.75, 1.00: without the zero before the point."""
    return f"{value:.2f}".removeprefix("0")
