"""Eval sets on disk, and what is refused when they are read or used."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval.sets.evalset import Doubt, Judgment, check_sections, read_judgments, read_set, write_set
from eval.sets.silver_labels import Agreement
from rag.types.errors import UsageError
from support.faq_corpus import SOIL, WATER, lupine_set, source
from support.places import ROOT


def test_a_set_survives_its_files(tmp_path: Path) -> None:
    trust = Agreement(1.0, 0.5, None, 1.0, 2, 6)
    evalset = replace(lupine_set(source(tmp_path)), trust=trust)
    write_set(tmp_path / "set", evalset)
    assert read_set(tmp_path / "set") == evalset


def test_doubts_go_to_the_review_file_and_the_hand_judgments_stay(tmp_path: Path) -> None:
    doubt = Doubt("q1", "Why\nso?", "support 0.10", ("a#top", "b#top"), 0.2)
    (tmp_path / "judgments.tsv").write_text("mine")
    write_set(tmp_path, replace(lupine_set(source(tmp_path)), doubts=(doubt,)))
    assert (tmp_path / "review.tsv").read_text() == (
        "query\tquestion\tconfidence\twhy\tcandidates\n"
        "q1\tWhy so?\t0.20\tsupport 0.10\ta#top b#top\n"
    )
    assert (tmp_path / "judgments.tsv").read_text() == "mine"


def test_the_same_set_gives_the_same_bytes(tmp_path: Path) -> None:
    evalset = lupine_set(source(tmp_path))
    first = [path.read_bytes() for path in write_set(tmp_path / "set", evalset)]
    assert [path.read_bytes() for path in write_set(tmp_path / "set", evalset)] == first


def test_a_set_that_is_not_there_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no eval set in .*: run `rag eval build`"):
        read_set(tmp_path)


def test_a_set_of_another_format_or_with_foreign_judgments_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path, lupine_set(source(tmp_path)))
    with (tmp_path / "qrels.tsv").open("a") as file:
        file.write("q0\t0\ta\t1\n")
    with pytest.raises(UsageError, match=r"judges q0, which queries.jsonl has not"):
        read_set(tmp_path)
    facts = (tmp_path / "set.json").read_text()
    (tmp_path / "set.json").write_text(facts.replace('"format": 1', '"format": 9'))
    with pytest.raises(UsageError, match="has format 9, expected 1"):
        read_set(tmp_path)


def test_judged_sections_that_are_gone_are_named() -> None:
    qrels = {"q": {WATER: 2, SOIL: 1}}
    check_sections(qrels, {WATER: 0, SOIL: 0}, "set")
    with pytest.raises(UsageError, match=f"1 of 2 judged sections are gone, first '{SOIL}'"):
        check_sections(qrels, {WATER: 0}, "set")
    with pytest.raises(UsageError, match="none of the 2 judged sections is in this corpus"):
        check_sections(qrels, {"x#top": 0}, "set")


def test_judgments_are_read_with_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "judgments.tsv"
    path.write_text("query\tsection\tgrade\treason\nq1\ta b#top\t2\tSays so.\n\n")
    assert read_judgments(path) == [Judgment("q1", "a b#top", 2, "Says so.")]


@pytest.mark.parametrize("line", ["q1\ta\t3\tno", "q1\ta\t2", "q1 a 2 no"])
def test_a_judgment_of_another_form_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "judgments.tsv").write_text(f"query\tsection\tgrade\treason\n{line}\n")
    with pytest.raises(UsageError, match=r"judgments.tsv:2: expected query, section"):
        read_judgments(tmp_path / "judgments.tsv")


def test_the_shipped_judgments_name_sections_and_questions_of_the_shipped_corpus() -> None:
    root = ROOT
    judged = read_judgments(root / "eval" / "car-t-lupus" / "judgments.tsv")
    evalset = read_set(root / "eval" / "car-t-lupus")
    assert {each.query for each in judged} == {query.id for query in evalset.queries}
    assert len(evalset.qrels) == len(evalset.queries) == 8
    assert all(each.reason.strip() for each in judged)
