"""Runs and judgments: order, refusals, and the TREC forms."""

from pathlib import Path

import pytest

from eval.measures.runs import (
    first_of_each,
    ranked,
    read_qrels,
    relevant,
    scored,
    trec_run,
    write_qrels,
)
from rag.types.errors import UsageError


def test_scores_fall_and_ties_go_by_id() -> None:
    assert ranked({"b": 1.0, "c": 2.0, "a": 1.0}) == ["c", "a", "b"]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_refused(score: float) -> None:
    with pytest.raises(UsageError, match="b has the score"):
        ranked({"a": 1.0, "b": score})


def test_the_score_is_k_minus_rank() -> None:
    assert scored(["x", "y", "z"]) == {"x": 3.0, "y": 2.0, "z": 1.0}


def test_an_id_returned_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="returns y twice"):
        scored(["x", "y", "y"])


def test_a_section_ranks_where_its_best_passage_does() -> None:
    assert first_of_each(["b", "a", "b", "c", "a"], 2) == ["b", "a"]


def test_a_grade_of_0_is_not_relevant() -> None:
    assert relevant({"a": 0, "b": 1, "c": 2, "d": -1}) == {"b", "c"}


def test_judgments_survive_the_file_even_with_blanks_in_their_ids(tmp_path: Path) -> None:
    qrels = {"q1": {"my notes.md#top": 2, "50%.md#a": 0}, "q2": {"b\u2028c": 1}}
    write_qrels(tmp_path / "qrels.tsv", qrels)
    assert read_qrels(tmp_path / "qrels.tsv") == qrels
    assert "q1\t0\tmy%20notes.md#top\t2\n" in (tmp_path / "qrels.tsv").read_text()


@pytest.mark.parametrize("line", ["q1 0 a", "q1 0 a high", "q1 0 a 1 x"])
def test_a_judgment_of_another_form_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "qrels.tsv").write_text(f"q1 0 a 1\n\n{line}\n")
    with pytest.raises(UsageError, match=r"qrels.tsv:3: expected"):
        read_qrels(tmp_path / "qrels.tsv")


def test_a_run_file_is_what_trec_eval_reads() -> None:
    assert trec_run({"q2": ["a b"], "q1": ["x", "y"]}, "all") == (
        "q1 Q0 x 1 2 all\nq1 Q0 y 2 1 all\nq2 Q0 a%20b 1 1 all\n"
    )
