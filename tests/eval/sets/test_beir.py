"""Folders in BEIR layout: what is read, and what is refused."""

from pathlib import Path

import pytest

from eval.sets.beir import documents, read_collection
from rag.types.errors import UsageError
from support.tiny_beir import folder


def test_judged_and_answerable_queries_are_read_and_others_left(tmp_path: Path) -> None:
    answerable = "query-id\tanswerable\tparagraph\nq1\t1\td1\nq2\t0\t\n"
    found = read_collection(folder(tmp_path / "set", **{"answerable.tsv": answerable}))
    assert (found.name, found.queries) == ("set", {"q1": "a", "q2": "b"})
    assert found.qrels == {"q1": {"d1": 2, "2": 0}}
    assert found.answerable == {"q1": True, "q2": False}


def test_documents_are_streamed_with_their_numbers_as_ids(tmp_path: Path) -> None:
    found = documents(folder(tmp_path / "set") / "corpus.jsonl")
    assert next(found) == ("d1", "T", "x")
    assert list(found) == [("2", "", "")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus.jsonl", "", "has no corpus.jsonl: a BEIR folder holds"),
        ("qrels/test.tsv", "", "has no qrels/test.tsv"),
        ("qrels/test.tsv", "head\nq1\td1\tgood\n", "test.tsv:2: expected query-id, corpus-id"),
        ("qrels/test.tsv", "head\nq9\td1\t1\n", "lacks the judged query 'q9'"),
        ("queries.jsonl", '{"_id": "q1"}\n', "queries.jsonl:1: a query needs"),
        ("answerable.tsv", "head\nq1\tyes\n", "answerable.tsv:2: expected query-id and 0 or 1"),
    ],
)
def test_a_folder_that_is_not_right_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read_collection(folder(tmp_path / "set", **{name: text}))


def test_a_document_without_an_id_is_refused(tmp_path: Path) -> None:
    place = folder(tmp_path / "set", **{"corpus.jsonl": '{"text": "x"}\n'})
    with pytest.raises(UsageError, match=r"corpus.jsonl:1: a document needs `_id`"):
        list(documents(place / "corpus.jsonl"))
