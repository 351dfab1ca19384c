"""The report's terms, measures and systems, each explained in a sentence or two."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A term and what it means. `id` is its anchor on the page."""

    name: str
    meaning: str

    @property
    def id(self) -> str:
        """The anchor of the term's entry."""
        return "term-" + re.sub(r"\W+", "-", self.name.lower())


_RANKED = "Sections (or documents, in a public set) are ranked by their best passage."
GLOSSARY = (
    Term(
        "nDCG@10",
        "How high the right sections stand among the first ten: 1 if they come first, 0 if none is "
        f"there. A section counts by its grade, and less the lower it stands. {_RANKED}",
    ),
    Term("RR@10", "1 divided by the rank of the first right section; 0 if it is not in ten."),
    Term("R@5", "The share of all right sections that are among the first five."),
    Term("P@1", "1 if the first section is right, else 0."),
    Term("Success@1", "The share of questions whose first section is right."),
    Term("Success@3", "The share of questions with a right section among the first three."),
    Term("Success@5", "The share of questions with a right section among the first five."),
    Term("ROUGE-L@5", "The share of the known answer's words that the first five passages hold."),
    Term(
        "supported@5",
        "The share of the known answer's sentences of which one of the first five passages holds "
        "most of the words that carry meaning.",
    ),
    Term(
        "95% interval",
        "Other questions of the same kind would mostly give a figure between these two.",
    ),
    Term("grade", "2: the section answers the question by itself. 1: it answers in part."),
    Term("dense", "Passages ranked by the similarity of their vector to the question's."),
    Term("bm25", "Passages ranked by the words that they share with the question."),
    Term("late", "Passages ranked by how near each word of the question comes to one of theirs."),
    Term("dense+bm25", "The two together, with equal weights."),
    Term("all", "All signals together, as the service ranks."),
    Term(
        "AUROC",
        "The chance that a question with an answer is given more confidence than one without: "
        "1 is perfect, 0.5 is guessing.",
    ),
    Term(
        "answered at 5% risk",
        "The largest share of all questions that could be answered with at most 5% of the answers "
        "wrong.",
    ),
    Term("threshold", "The confidence from which on to answer, for that share."),
    Term(
        "calibration error",
        "The mean gap between the confidence and the share of answers that are right.",
    ),
)
TERMS = {term.name: term for term in GLOSSARY}
