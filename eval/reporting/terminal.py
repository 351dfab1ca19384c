"""What the terminal shows: a short table for each group, and plain words."""

from __future__ import annotations

from collections.abc import Sequence

from eval.measures.retrieval import PRIMARY
from eval.reporting.leak import MEASURES, Side, sides
from eval.reporting.plain_words import abstaining, percent, verdict, with_interval
from eval.running.result import LEAKY, Abstention, GroupResult, Result

SHORT = {"Success@1": "S@1", "Success@3": "S@3", "Success@5": "S@5", "ROUGE-L@5": "cover"}
SHORT |= {"supported@5": "supp"}


def show(result: Result) -> str:
    """The tables and sentences of a result, at most 80 columns if titles allow."""
    parts = [_group(group) for group in result.groups if group.name != LEAKY]
    parts.append(_sides(sides(result)))
    if result.abstention:
        parts.append(_abstention(result.abstention))
    return "\n\n".join(part for part in [*parts, verdict(result), abstaining(result)] if part)


def _group(group: GroupResult) -> str:
    measures = list(group.rows[0].figures)
    head = ["", f"{PRIMARY} [95%]", *(SHORT.get(m, m) for m in measures if m != PRIMARY)]
    published = any(row.reference is not None for row in group.rows)
    lines = [
        [row.title, with_interval(row.figures[PRIMARY])]
        + [f"{row.figures[m].mean:.2f}".removeprefix("0") for m in measures if m != PRIMARY]
        + ([f"{row.reference:.3f}" if row.reference is not None else ""] if published else [])
        for row in group.rows
    ]
    table = _table([[*head, "published"] if published else head, *lines])
    return f"{group.title} (n = {len(group.questions)})\n{table}"


def _sides(found: Sequence[Side]) -> str:
    if not found:
        return ""
    head = ["", *(f"{SHORT.get(m, m)} {where}" for m in MEASURES for where in ("out", "in"))]
    lines = [
        [side.title, *(f"{each.mean:.2f}" for pair in side.figures for each in pair)]
        for side in found
    ]
    return "FAQ pairs left out of the index, or in it (a leak)\n" + _table([head, *lines])


def _abstention(found: Sequence[Abstention]) -> str:
    lines = [
        [
            each.title,
            "-" if each.auroc is None else f"{each.auroc:.3f}",
            percent(each.at_risk.coverage) if each.at_risk else "none",
        ]
        for each in found
    ]
    return "Abstention\n" + _table([["", "AUROC", "answered at 5% risk"], *lines])


def _table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
