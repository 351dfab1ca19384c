"""The report: one self-contained page, made from a result alone."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from eval.measures.abstention import calibration_error
from eval.measures.retrieval import PRIMARY
from eval.reporting import plain_words, plots
from eval.reporting.leak import sides
from eval.reporting.templates import template
from eval.running.result import LEAKY, GroupResult, QuestionResult, Result
from eval.running.systems import SERVED

# Nobody reads longer tables. The worst questions are shown: they teach most.
LISTED = 200
SHOWN = 3


def render(result: Result) -> str:
    """The report's HTML. Everything from documents and questions is escaped."""
    return template("report.html.jinja").render(
        result=result,
        verdict=plain_words.verdict(result),
        abstaining=plain_words.abstaining(result),
        with_interval=plain_words.with_interval,
        percent=plain_words.percent,
        groups=[_group(group) for group in result.groups if group.name != LEAKY],
        sides=sides(result),
        leak_note=next((group.note for group in result.groups if group.name == LEAKY), ""),
        ablation=Markup(plots.ablation_plot([g for g in result.groups if g.name != LEAKY])),
        risk=Markup(plots.risk_plot(result.abstention)) if result.abstention else "",
        calibration=_calibration(result),
        calibration_error=calibration_error(
            [each for found in result.abstention if found.system == SERVED for each in found.bins]
        ),
    )


def _group(group: GroupResult) -> dict[str, Any]:
    system = plain_words.served(group).system
    ordered = sorted(group.questions, key=lambda each: (each.values[system][PRIMARY], each.id))
    return {
        "name": group.name,
        "title": group.title,
        "note": group.note,
        "rows": group.rows,
        "measures": list(group.rows[0].figures),
        "count": len(group.questions),
        "plot": Markup(plots.question_plot(group)),
        "questions": [_question(question, system) for question in ordered[:LISTED]],
        "detectable": plain_words.detectable_difference(group),
    }


def _question(question: QuestionResult, system: str) -> dict[str, Any]:
    wanted = [name for name, grade in question.expected.items() if grade > 0]
    returned = list(question.returned[system])
    return {
        "id": question.id,
        "text": question.text,
        "expected": sorted(
            ((name, question.expected[name]) for name in wanted),
            key=lambda each: (-each[1], each[0]),
        ),
        "returned": [(name, name in wanted) for name in returned[:SHOWN]],
        "rank": next((at for at, name in enumerate(returned, 1) if name in wanted), None),
        "value": question.values[system][PRIMARY],
    }


def _calibration(result: Result) -> str:
    served = [each for each in result.abstention if each.system == SERVED]
    return Markup(plots.calibration_plot(served[0])) if served else ""
