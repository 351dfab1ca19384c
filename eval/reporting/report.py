"""The report: one self-contained page, made from a result alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from eval.measures.abstention import calibration_error
from eval.measures.retrieval import PRIMARY
from eval.reporting import plain_words, plots
from eval.reporting.glossary import TERMS
from eval.reporting.leak import MEASURES, sides
from eval.reporting.templates import template
from eval.running.result import LEAKY, GroupResult, QuestionResult, QuotedSection, Result
from eval.running.systems import SERVED

# Nobody reads longer tables. The worst questions are shown: they teach most.
LISTED = 200
# Nobody reads a matrix with more rows than this, one a question.
MATRIX = 60
SHOWN = 3
# The figures of the served system at the top of the page.
KEY_FIGURES = ("Success@1", "Success@3", PRIMARY)


def render(result: Result) -> str:
    """The report's HTML. Everything from documents and questions is escaped."""
    groups = [group for group in result.groups if group.name != LEAKY]
    main = plain_words.served(groups[-1] if result.kind == "public" else groups[0])
    served = [each for each in result.abstention if each.system == SERVED]
    return template("report.html.jinja").render(
        result=result,
        verdict=plain_words.verdict(result),
        abstaining=plain_words.abstaining(result),
        percent=plain_words.percent,
        terms=TERMS,
        key_figures=[(name, main.figures[name]) for name in KEY_FIGURES],
        groups=[_group(group) for group in groups],
        sides=sides(result),
        side_measures=MEASURES,
        leak_note=next((group.note for group in result.groups if group.name == LEAKY), ""),
        sections=_sections(result.sections),
        risk=Markup(plots.risk_plot(result.abstention)) if result.abstention else "",
        calibration=Markup(plots.calibration_plot(served[0])) if served else "",
        calibration_error=calibration_error([each for found in served for each in found.bins]),
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
        "curves": Markup(plots.curves_plot(group)) if len(ordered) > MATRIX else "",
        "questions": [_question(group, question, system) for question in ordered[:LISTED]],
        "detectable": plain_words.detectable_difference(group),
    }


def _question(group: GroupResult, question: QuestionResult, system: str) -> dict[str, Any]:
    wanted = {name: grade for name, grade in question.expected.items() if grade > 0}
    returned = list(question.returned[system])
    quotes = [*question.quotes, *[""] * SHOWN]
    return {
        "anchor": f"{group.name}-{question.id}",
        "text": question.text,
        "by_system": [question.values[row.system][PRIMARY] for row in group.rows],
        "expected": sorted(wanted.items(), key=lambda each: (-each[1], each[0])),
        "returned": [
            (name, name in wanted, quote)
            for name, quote in zip(returned[:SHOWN], quotes, strict=False)
        ],
        "rank": next((at for at, name in enumerate(returned, 1) if name in wanted), None),
        "value": question.values[system][PRIMARY],
    }


def _sections(quoted: Mapping[str, QuotedSection]) -> dict[str, dict[str, str]]:
    """The anchor, name and text of each quoted section, by its id."""
    titled = len({each.title for each in quoted.values()}) > 1
    return {
        id: {"anchor": f"text-{at}", "name": _name(each, titled), "text": each.text}
        for at, (id, each) in enumerate(quoted.items())
    }


def _name(section: QuotedSection, titled: bool) -> str:
    """Its headings, after the title of its document if there are others."""
    path = (section.title, *section.heading_path)
    return " › ".join(path if titled or len(path) == 1 else path[1:])
