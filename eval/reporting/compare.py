"""Compares two runs on the same questions."""

from __future__ import annotations

from pathlib import Path

from eval.measures.stats import compare
from eval.reporting.plain_words import comparison, served
from eval.running.result import GroupResult, qrels_of, read_result
from rag.types.errors import UsageError

LISTED = 10


def contrast(a: str, b: str, measure: str, group: str | None = None) -> str:
    """What B changes against A, in words, with the questions won and lost.

    Each is a results file, or `FILE#SYSTEM` for a row that is not the served one. Raises
    UsageError if their questions or judgments differ.
    """
    (first, row_a), (second, row_b) = _pick(a, group), _pick(b, group)
    _check_same(a, b, first, second)
    asked = {q.id: q.text for q in sorted(first.questions, key=lambda q: q.id)}
    found = compare(
        list(asked), _values(first, row_a, measure, a), _values(second, row_b, measure, b)
    )
    names = (row_a, row_b) if row_a != row_b else ("A", "B")
    lines = [comparison(*names, found, measure)]
    for title, queries in (("won", found.wins), ("lost", found.losses)):
        lines += [f"  {title}: {asked[query]}" for query in queries[:LISTED]]
        if len(queries) > LISTED:
            lines.append(f"  {title}: {len(queries) - LISTED} more")
    return "\n".join(lines)


def _pick(reference: str, name: str | None) -> tuple[GroupResult, str]:
    path, _, system = reference.partition("#")
    result = read_result(Path(path))
    groups = {group.name: group for group in result.groups}
    if name is not None and name not in groups:
        raise UsageError(f"{path} has no group {name}: it has {', '.join(groups)}")
    group = groups[name] if name is not None else result.groups[0]
    if not group.questions:
        raise UsageError(
            f"{path} holds figures alone: run `{result.facts['command']}` again and "
            "compare the results file that it names"
        )
    systems = [row.system for row in group.rows]
    if system and system not in systems:
        raise UsageError(f"{path} has no system {system}: it has {', '.join(systems)}")
    return group, system or served(group).system


def _check_same(a: str, b: str, first: GroupResult, second: GroupResult) -> None:
    one, other = qrels_of(first), qrels_of(second)
    if one != other:
        differing = sorted(
            query for query in one.keys() | other.keys() if one.get(query) != other.get(query)
        )
        raise UsageError(
            f"{a} and {b} were not asked the same: {len(differing)} questions or their judgments "
            f"differ, first {differing[0]}; run both on one eval set"
        )


def _values(group: GroupResult, system: str, measure: str, where: str) -> list[float]:
    values = [q.values[system] for q in sorted(group.questions, key=lambda q: q.id)]
    if measure not in values[0]:
        raise UsageError(f"{where} has no {measure}: it has {', '.join(values[0])}")
    return [each[measure] for each in values]
