"""A folder in BEIR layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv, answerable.tsv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.text_lines import numbered
from rag.documents import json_lines
from rag.types.errors import UsageError


@dataclass(frozen=True, slots=True)
class Collection:
    """A public test set. `corpus` is read in place, line by line.

    `queries` is id -> text, of those judged or said to be (un)answerable; `answerable` is empty
    if the set does not say.
    """

    name: str
    corpus: Path
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    answerable: dict[str, bool]


def read_collection(folder: Path, split: str = "test") -> Collection:
    """The collection in a folder; UsageError names what is missing or malformed."""
    corpus, queries, qrels = (
        _file(folder, name) for name in ("corpus.jsonl", "queries.jsonl", f"qrels/{split}.tsv")
    )
    judged = _qrels(qrels)
    answerable = _answerable(folder / "answerable.tsv")
    wanted = judged.keys() | answerable.keys()
    texts = {id: text for id, text in _queries(queries) if id in wanted}
    unknown = sorted(wanted - texts.keys())
    if unknown:
        raise UsageError(
            f"{queries} lacks the judged query {unknown[0]!r} ({len(unknown)} in all): "
            "queries and judgments must be of one set"
        )
    return Collection(folder.resolve().name, corpus, texts, judged, answerable)


def documents(corpus: Path) -> Iterator[tuple[str, str, str]]:
    """Id, title and text of each document, one line at a time."""
    for number, row in json_lines(corpus):
        if "_id" not in row:
            raise UsageError(f"{corpus}:{number}: a document needs `_id`, found {sorted(row)}")
        yield str(row["_id"]), str(row.get("title") or ""), str(row.get("text") or "")


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise UsageError(
            f"{folder} has no {name}: a BEIR folder holds corpus.jsonl, queries.jsonl and "
            "qrels/test.tsv"
        )
    return folder / name


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    for number, row in json_lines(path):
        if "_id" not in row or "text" not in row:
            raise UsageError(f"{path}:{number}: a query needs `_id` and `text`")
        yield str(row["_id"]), str(row["text"])


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, fields in _rows(path):
        if len(fields) != 3 or not fields[2].lstrip("-").isdigit():
            raise UsageError(f"{path}:{number}: expected query-id, corpus-id, score between tabs")
        qrels.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return qrels


def _answerable(path: Path) -> dict[str, bool]:
    if not path.is_file():
        return {}
    answerable: dict[str, bool] = {}
    for number, fields in _rows(path):
        if len(fields) < 2 or fields[1] not in ("0", "1"):
            raise UsageError(f"{path}:{number}: expected query-id and 0 or 1 between tabs")
        answerable[fields[0]] = fields[1] == "1"
    return answerable


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines' fields, without the first line, which names the columns."""
    return ((number, line.split("\t")) for number, line in numbered(path) if number > 1)
