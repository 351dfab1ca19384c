"""The report's terms, measures and systems, each explained in a sentence or two."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """A term and what it means. `id` is its anchor on the page."""

    name: str
    meaning: str

    @property
    def id(self) -> str:
        """The anchor of the term's entry."""
        return "term-" + re.sub(r"\W+", "-", self.name.lower())


_RANKED = "Sections (or documents, in a public set) are ranked by their best passage."
GLOSSARY = (
    GlossaryTerm(
        "nDCG@10",
        "How high the right sections stand among the first ten: 1 if they come first, 0 if none is "
        f"there. A section counts by its grade, and less the lower it stands. {_RANKED}",
    ),
    GlossaryTerm(
        "RR@10", "1 divided by the rank of the first right section; 0 if it is not in ten."
    ),
    GlossaryTerm("R@5", "The share of all right sections that are among the first five."),
    GlossaryTerm(
        "Success@1", "The share of questions whose first section is right; others call it P@1."
    ),
    GlossaryTerm("Success@3", "The share of questions with a right section among the first three."),
    GlossaryTerm("Success@5", "The share of questions with a right section among the first five."),
    GlossaryTerm(
        "ROUGE-L@5", "The share of the known answer's words that the first five passages hold."
    ),
    GlossaryTerm(
        "supported@5",
        "The share of the known answer's sentences of which one of the first five passages holds "
        "most of the words that carry meaning.",
    ),
    GlossaryTerm(
        "95% interval",
        "Other questions of the same kind would mostly give a figure between these two.",
    ),
    GlossaryTerm("grade", "2: the section answers the question by itself. 1: it answers in part."),
    GlossaryTerm("dense", "Passages ranked by the similarity of their vector to the question's."),
    GlossaryTerm("bm25", "Passages ranked by the words that they share with the question."),
    GlossaryTerm(
        "late", "Passages ranked by how near each word of the question comes to one of theirs."
    ),
    GlossaryTerm("dense+bm25", "The two together, with equal weights."),
    GlossaryTerm("all", "All signals together, as the service ranks."),
    GlossaryTerm(
        "AUROC",
        "The chance that a question with an answer is given more confidence than one without: "
        "1 is perfect, 0.5 is guessing.",
    ),
    GlossaryTerm(
        "answered at 5% risk",
        "The largest share of all questions that could be answered with at most 5% of the answers "
        "wrong.",
    ),
    GlossaryTerm("threshold", "The confidence from which on to answer, for that share."),
    GlossaryTerm(
        "calibration error",
        "The mean gap between the confidence and the share of answers that are right.",
    ),
)
TERMS = {term.name: term for term in GLOSSARY}
