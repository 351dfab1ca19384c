"""FAQ pairs: those that a corpus holds, and those of a table that a user gives."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from eval.text_lines import text_lines
from eval.words import wording
from rag.documents import faq_pairs, json_lines
from rag.types import Document, Section
from rag.types.errors import UsageError

TABLES = (".csv", ".jsonl")
LOOKED_FOR = (
    "`Q:` and `A:` lines, a table with columns of questions and answers, collapsed parts "
    "(`<summary>`) or headings that mostly ask, and, under a heading such as `FAQ` or `Frequently "
    "asked questions`, headings, bold lines, numbered lines and list items that ask"
)
FORM = '{"question": "...", "answer": "..."}'
# A document's id may hold blanks; what follows the `#` holds none.
_SECTION_ID = re.compile(r"[^\s#][^#]*#\S+")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer. `section` is the id of the pair's own section in the corpus,
    "" for a pair of a table; `gold` are section ids that a table names as the answer."""

    id: str
    question: str
    answer: str
    section: str = ""
    gold: tuple[str, ...] = ()


def pairs_of(documents: Mapping[str, Document], sections: Iterable[Section]) -> list[Pair]:
    """The FAQ pairs among the sections, in their order."""
    return [
        Pair(query_id(pair.question), pair.question, pair.answer, pair.section_id)
        for pair in faq_pairs(documents, sections)
    ]


def read_table(path: Path) -> list[Pair]:
    """The pairs of a CSV or JSONL file with question and answer columns, in its order.

    An optional column `gold` names section ids, separated by blanks or, in JSONL, as a list; `%20`
    is a blank inside one. Columns are named in any case; commas, semicolons or tabs separate them.
    """
    rows = json_lines(path, FORM) if path.suffix.lower() == ".jsonl" else _csv(path)
    pairs = [_of_row(path, number, row) for number, row in rows]
    if not pairs:
        raise UsageError(f"{path} holds no question: write a row for each, with its answer")
    return pairs


def query_id(question: str) -> str:
    """A query's id, from its wording alone, so that judgments outlive a reordered FAQ."""
    return "q" + hashlib.sha256(wording(question).encode()).hexdigest()[:10]


def repeated(pairs: Sequence[Pair]) -> list[str]:
    """The questions that are asked more than once, each as first put, in order."""
    counts = Counter(pair.id for pair in pairs)
    first = {pair.id: pair.question for pair in reversed(pairs)}
    return [first[id] for id, count in counts.items() if count > 1]


def no_pairs(corpus: str) -> UsageError:
    """The error for a corpus without an FAQ: what was looked for, and what to do."""
    return UsageError(
        f"{corpus} holds no FAQ: looked for {LOOKED_FOR}. Give a table by `--faq FILE.csv` (or "
        ".jsonl) with the columns question and answer"
    )


def _of_row(path: Path, number: int, row: Mapping[str, Any]) -> Pair:
    fields = {str(name).strip().casefold(): value for name, value in row.items()}
    question, answer = (str(fields.get(name) or "").strip() for name in ("question", "answer"))
    if not question or not answer:
        missing = "question" if not question else "answer"
        raise UsageError(f"{path}:{number}: no {missing}: every row needs question and answer")
    gold = fields.get("gold") or ()
    return Pair(
        query_id(question),
        question,
        answer,
        gold=_section_ids(gold) if isinstance(gold, str) else tuple(gold),
    )


def _section_ids(gold: str) -> tuple[str, ...]:
    """The ids that a column names, `my guide.md#fares` or `my%20guide.md#fares` each."""
    named = _SECTION_ID.findall(gold) or gold.split()
    return tuple(unquote(each.strip(",;")) for each in named)


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = text_lines(path)
    first = next(lines, "").rstrip("\r\n")
    delimiter = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])
    missing = {"question", "answer"} - {name.strip().casefold() for name in names}
    if missing:
        raise UsageError(
            f"{path}: no column {' or '.join(sorted(missing))}; the first line names "
            f"{', '.join(names) or 'nothing'}: it must name question and answer"
        )
    reader = csv.DictReader(lines, names, delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if any(map(str.strip, filter(None, map(row.get, names)))):
            yield reader.line_num + 1, row
