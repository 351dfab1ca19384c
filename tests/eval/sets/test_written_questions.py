"""Written questions: gold spans become sections; what does not fit the corpus is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.sets.written_questions import read_written
from rag.types.errors import UsageError
from support.faq_corpus import SOIL, WATER, source


def question(**changed: Any) -> dict[str, Any]:
    row = {
        "id": "a1",
        "question": "What suits lupines?",
        "kind": "why",
        "answerable": True,
        "near": None,
        "split": "test",
        "gold": [{"quote": "Sandy soil suits lupines.", "section": "Soil"}],
    }
    return row | changed


def read(folder: Path, *rows: dict[str, Any], text: str | None = None) -> list[Any]:
    corpus = source(folder, text) if text else source(folder)
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return read_written(folder / "questions.jsonl", corpus.documents, corpus.sections)


def test_a_quote_is_graded_as_its_section(tmp_path: Path) -> None:
    gold = [{"quote": "Lime harms their roots."}, {"quote": "Rain gives them enough."}]
    (found,) = read(tmp_path, question(gold=gold))
    assert found.grades == {SOIL: 2, WATER: 2}
    assert found.query.answer == "Lime harms their roots.\nRain gives them enough."
    assert (found.split, found.kind, found.answerable) == ("test", "why", True)


def test_an_unanswerable_question_has_no_gold(tmp_path: Path) -> None:
    (found,) = read(tmp_path, question(id="u1", answerable=False, near=True, gold=[]))
    assert (found.grades, found.near, found.query.answer) == ({}, True, "")


def test_a_quote_that_stands_twice_is_taken_where_the_gold_says(tmp_path: Path) -> None:
    text = "# T\n\n## One\n\nSame words.\n\n## Two\n\nSame words.\n"
    gold = [{"quote": "Same words.", "section": "Two"}]
    (found,) = read(tmp_path, question(gold=gold), text=text)
    assert found.grades == {"lupines.md#two": 2}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gold": [{"quote": "Sandy soil; lime harms roots."}]}, "no section of the corpus holds"),
        ({"gold": []}, "a1 must have gold if it is answerable"),
        ({"answerable": False}, "a1 must have gold if it is answerable"),
        ({"split": "dev"}, "split is 'dev', expected train or test"),
        ({"gold": [{"section": "Soil"}]}, "gold needs a quote"),
    ],
)
def test_a_question_that_does_not_fit_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=f"questions.jsonl:1: .*{message}"):
        read(tmp_path, question(**changed))


def test_a_question_without_its_fields_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a question needs question, answerable, split, gold"):
        read(tmp_path, {"id": "a1"})
