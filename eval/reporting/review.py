"""The review page: on it a person judges the sections that the silver rule could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from eval.reporting.templates import template
from eval.sets.evalset import EvalSet, Judgment

# More of a section is read in the document itself.
SHOWN = 2000


def review_page(
    evalset: EvalSet,
    sections: Mapping[str, str],
    headings: Mapping[str, str],
    judgments: Sequence[Judgment],
) -> str:
    """The page for the doubtful questions of a set; texts and headings of sections are by id.

    It is self-contained and saves a judgments.tsv that holds the given judgments too.
    """
    answers = {query.id: query.answer for query in evalset.queries}
    return template("review.html.jinja").render(
        name=evalset.name,
        questions=[
            {
                "id": doubt.query,
                "text": doubt.text,
                "answer": answers[doubt.query],
                "sections": [
                    (id, headings.get(id, ""), sections[id].strip()[:SHOWN])
                    for id in doubt.candidates
                ],
            }
            for doubt in evalset.doubts
        ],
        kept=[astuple(judgment) for judgment in judgments],
    )
