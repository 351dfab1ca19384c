"""Whether an index is sound, and what changed."""

from rag.checks.canaries import Canary, read_canaries
from rag.checks.diff import diff, diff_lines, faq_questions, read_questions
from rag.checks.doctor import check_lines, examine, worst
from rag.checks.faq_support import (
    SENTENCES,
    SUPPORT,
    Pair,
    Windows,
    drawn,
    held,
    pairs,
    weights,
    windows,
)
from rag.checks.gate import Outcome, judge

__all__ = [
    "SENTENCES",
    "SUPPORT",
    "Canary",
    "Outcome",
    "Pair",
    "Windows",
    "check_lines",
    "diff",
    "diff_lines",
    "drawn",
    "examine",
    "faq_questions",
    "held",
    "judge",
    "pairs",
    "read_canaries",
    "read_questions",
    "weights",
    "windows",
    "worst",
]
