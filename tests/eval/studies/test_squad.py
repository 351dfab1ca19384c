"""An article stands on one side only, and always on the same."""

from collections import Counter
from pathlib import Path

from eval.studies.squad import answers, parts, query_parts
from support.tiny_beir import write_collection

ARTICLES = [f"article {n:02}" for n in range(35)]


def test_the_parts_are_20_7_and_8_articles() -> None:
    assert Counter(parts(ARTICLES).values()) == {"train": 20, "calibrate": 7, "score": 8}


def test_the_parts_depend_on_the_names_alone() -> None:
    assert parts(reversed(ARTICLES * 2)) == parts(ARTICLES)
    score = sorted(name for name, part in parts(ARTICLES).items() if part == "score")
    assert score == [f"article {n:02}" for n in (2, 5, 11, 20, 21, 25, 31, 34)]


def test_a_question_stands_where_its_paragraphs_article_does(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "squad2", unanswerable=True)
    assert query_parts(folder) == dict.fromkeys(["q0", "q1", "q2", "q3", "u0", "u1"], "train")


def test_a_question_without_an_answer_has_no_answers(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "squad2", unanswerable=True)
    assert answers(folder) == {
        "q0": ["Apples"],
        "q1": ["Cherries"],
        "q2": ["Gold"],
        "q3": ["Jewels"],
    }
