"""The FAQ figure with the pairs left out of the index, and with them in it, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from eval.measures.retrieval import PRIMARY
from eval.measures.stats import Interval
from eval.running.result import LEAKY, Result

MEASURES = ("Success@1", PRIMARY)


@dataclass(frozen=True, slots=True)
class Side:
    """One system: for each of `MEASURES`, the figure without and with the pairs in the index."""

    system: str
    title: str
    figures: tuple[tuple[Interval, Interval], ...]


def sides(result: Result) -> list[Side]:
    """A row for each system; empty if only one of the two was measured."""
    groups = {group.name: group for group in result.groups}
    if not {"faq", LEAKY} <= groups.keys():
        return []
    return [
        Side(
            out.system,
            out.title,
            tuple((out.figures[measure], within.figures[measure]) for measure in MEASURES),
        )
        for out, within in zip(groups["faq"].rows, groups[LEAKY].rows, strict=True)
    ]
