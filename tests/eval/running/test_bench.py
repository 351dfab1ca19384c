"""A public set from end to end, by an encoder that can be worked out on paper."""

from pathlib import Path

import numpy as np
import pytest

from eval.running.bench import _best, bench
from eval.sets.beir import read_collection
from rag.types import silent
from rag.types.errors import UsageError
from support.eval_results import CORPUS, bench_result
from support.letter_encoder import LetterEncoder


def test_both_kinds_of_rows_are_measured_and_kept_apart(tmp_path: Path) -> None:
    published, served = bench_result(tmp_path).groups
    assert (published.name, [row.system for row in published.rows]) == (
        "as-published",
        ["dense", "bm25"],
    )
    assert (served.name, [row.system for row in served.rows]) == (
        "as-served",
        ["dense", "bm25", "late", "dense+bm25", "all"],
    )
    assert published.rows[1].figures["Success@1"].mean == 1.0
    assert served.rows[3].figures["Success@1"].mean == 1.0
    assert "ROUGE-L@5" not in served.rows[3].figures


def test_a_document_cut_into_passages_is_returned_once(tmp_path: Path) -> None:
    result = bench_result(tmp_path)
    assert result.facts["counts"]["passages"] > 2
    for question in result.groups[1].questions:
        assert sorted(question.returned["dense"]) == ["pears", "plums"]


def test_questions_without_an_answer_count_for_abstention_alone(tmp_path: Path) -> None:
    result = bench_result(tmp_path)
    assert [len(group.questions) for group in result.groups] == [2, 2]
    assert (result.answerable, result.unanswerable) == (2, 1)
    bm25 = result.abstention[1]
    assert (bm25.system, bm25.auroc) == ("bm25", 1.0)
    assert bm25.at_risk is not None
    assert bm25.at_risk.coverage == pytest.approx(2 / 3)


def test_a_second_run_from_the_cache_gives_the_same(tmp_path: Path) -> None:
    first = bench_result(tmp_path)
    collection = read_collection(tmp_path / "tiny")
    assert bench(collection, LetterEncoder(), tmp_path / "cache", ["test"], silent) == first


def test_documents_with_one_id_and_judged_ones_that_are_gone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds an `_id` twice"):
        bench_result(tmp_path / "a", **{"corpus.jsonl": CORPUS + CORPUS})
    with pytest.raises(UsageError, match="lacks 1 judged documents, first 'figs'"):
        bench_result(tmp_path / "b", **{"qrels/test.tsv": "head\nq1\tfigs\t1\n"})


def test_the_ten_best_keep_ties_at_the_edge_in_order_of_id() -> None:
    scores = np.array([0.5] * 12 + [0.9, 0.0], dtype=np.float32)
    ids = [f"d{99 - at}" for at in range(14)]
    assert _best(ids, scores) == ["d87", *(f"d{n}" for n in range(88, 97))]
