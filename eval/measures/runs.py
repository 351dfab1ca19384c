"""A run: for each query, the ids returned, best first; and the judgments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from eval.text_lines import numbered
from rag.types.errors import UsageError

Qrels = Mapping[str, Mapping[str, int]]
"""Query id -> judged id -> grade; 0 is judged and not relevant."""

Run = Mapping[str, Sequence[str]]
"""Query id -> ids returned, best first, none twice."""


def ranked(scores: Mapping[str, float]) -> list[str]:
    """The ids by falling score, ties by id; a score that is not a finite number is refused."""
    for name, score in sorted(scores.items()):
        if not math.isfinite(score):
            raise UsageError(f"{name} has the score {score}; scores must be finite numbers")
    return sorted(scores, key=lambda name: (-scores[name], name))


def scored(ids: Sequence[str]) -> dict[str, float]:
    """Id -> len(ids) - rank, so that no measure has to break a tie; an id that is twice is refused.

    Tools break ties differently: trec_eval by falling id, others by rising id.
    """
    scores = {name: float(len(ids) - at) for at, name in enumerate(ids)}
    if len(scores) < len(ids):
        twice = sorted({name for name in ids if list(ids).count(name) > 1})
        raise UsageError(f"a run returns {twice[0]} twice for one query; each id may appear once")
    return scores


def first_of_each(ids: Iterable[str], k: int) -> list[str]:
    """The first k distinct ids, in order: so a section has the rank of its best passage."""
    return list(dict.fromkeys(ids))[:k]


def relevant(judged: Mapping[str, int]) -> set[str]:
    """The ids with a grade above 0."""
    return {name for name, grade in judged.items() if grade > 0}


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Write judgments as trec_eval reads them: query, 0, id, grade, separated by tabs."""
    lines = [
        f"{_token(query)}\t0\t{_token(name)}\t{grade}\n"
        for query, judged in sorted(qrels.items())
        for name, grade in sorted(judged.items())
    ]
    path.write_text("".join(lines), encoding="utf-8")


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """The judgments of a file in TREC form; a line of another form is refused."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in numbered(path):
        fields = line.split()
        if len(fields) != 4 or not fields[3].lstrip("-").isdigit():
            raise UsageError(
                f"{path}:{number}: expected `query 0 id grade`, found {line.strip()!r}"
            )
        judged = qrels.setdefault(unquote(fields[0]), {})
        judged[unquote(fields[2])] = int(fields[3])
    return qrels


def trec_run(run: Run, tag: str) -> str:
    """The text of a run as trec_eval reads it: query Q0 id rank score tag."""
    return "".join(
        f"{_token(query)} Q0 {_token(name)} {rank} {score:g} {tag}\n"
        for query in sorted(run)
        for rank, (name, score) in enumerate(scored(run[query]).items(), start=1)
    )


def _token(name: str) -> str:
    """The name without blanks, which separate the fields: those and `%` are percent-encoded."""
    return "".join(quote(c, safe="") if c.isspace() or c == "%" else c for c in name)
