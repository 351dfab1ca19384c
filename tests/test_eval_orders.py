"""Other orders of candidates, worked out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paper import PaperEncoder
from tiny_beir import write_collection

from eval.orders import Ranked, bare_text, capped, collapsed, mean_ndcg, raised, ranked
from eval.signals import Pool, read_pool, signals
from rag.build import silent
from rag.types import Passage

SCORES = np.array([0.5, 0.25, 1.0, 0.125])
KIN = ["a", "a", "b", "a"]


def passage(id: str, text: str, document: str = "d") -> Passage:
    return Passage(id, document, f"{document}#s", 0, len(text), text, "")


def asked(*passages: Passage, folder: Path) -> Ranked:
    return Ranked(replace(pool_in(folder), passages=passages), "q0", range(len(passages)))


def pool_in(folder: Path) -> Pool:
    return read_pool(write_collection(folder / "tiny"), PaperEncoder(), folder / "cache", silent)


def test_a_score_is_raised_by_the_best_of_its_kin() -> None:
    assert raised(SCORES, KIN, 0.5, "best").tolist() == [0.625, 0.5, 1.5, 0.375]
    assert SCORES.tolist() == [0.5, 0.25, 1.0, 0.125]


def test_a_score_is_raised_by_the_mean_of_its_kin() -> None:
    assert raised(SCORES, KIN, 1.0, "mean").tolist() == [0.6875, 0.5625, 2.0, 0.5]


def test_two_best_raise_each_other() -> None:
    assert raised(np.array([0.5, 0.5]), ["a", "a"], 1.0, "best").tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("most", "rows"), [(1, [0, 2, 1, 3]), (2, [0, 1, 2, 3]), (3, [0, 1, 2, 3])]
)
def test_what_is_beyond_the_cap_comes_last(tmp_path: Path, most: int, rows: list[int]) -> None:
    passages = [passage("p", "x", document) for document in ("d", "d", "e", "d")]
    each = asked(*passages, folder=tmp_path)
    assert capped(each, lambda p: p.document_id, most).rows == rows


def test_a_text_that_stands_twice_is_kept_once(tmp_path: Path) -> None:
    passages = [passage(id, text) for id, text in (("p", "a b"), ("q", "c"), ("r", "a\n b"))]
    assert collapsed(asked(*passages, folder=tmp_path)).rows == [0, 1]
    assert bare_text(passages[2]) == "a b"


def test_candidates_are_ordered_by_score_then_id(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    [each] = signals(pool, ["q0"])
    tied = sorted([2, 3], key=lambda row: pool.passages[row].id)
    found = ranked(
        pool,
        replace(each, rows=np.array([0, 2, 3])),
        lambda each: (each.rows == 0).astype(np.float64),
    )
    assert found.rows == [0, *tied]
    assert found.units == [pool.units[row] for row in found.rows]


def test_a_question_that_finds_its_document_second_scores_less_than_1(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    first, second = Ranked(pool, "q0", [0, 1]), Ranked(pool, "q1", [0, 1])
    assert mean_ndcg([first]) == 1.0
    assert mean_ndcg([first, second]) == pytest.approx((1 + 1 / np.log2(3)) / 2)
