"""What other scores do to nDCG@10, on pools that can be worked out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from square import SquareEncoder
from tiny_beir import Row, write_collection

from eval.fusions import FUSIONS
from eval.passage_figures import KIN, SERVED, All, kin_rows, means, plain, sentence_rows, with_dense
from eval.signals import Pool, Signals, judged, kept_signals, read_pool
from rag.build import silent

ENCODER = SquareEncoder()
FIRST, SECOND = 1.0, 1 / np.log2(3)
# The pooled vectors prefer p1 to p0; the sentences do not: one of p0's is the question itself.
ROWS: list[Row] = [
    ("Fruit", "p0", "Apples bake. Cats catch crabs, dogs dig, eels eat.", "apples bake", "Apples"),
    ("Fruit", "p1", "Apples bounce, eh.", "bounce", "bounce"),
    ("Metal", "p2", "Gold is heavy.", "gold", "Gold"),
]


def found_in(folder: Path, queries: list[str] | None = None) -> All:
    tiny = write_collection(folder / "tiny", rows=ROWS)
    pool = read_pool(tiny, ENCODER, folder / "cache", silent)
    asked = judged(pool) if queries is None else queries
    return {"tiny": [(pool, kept_signals(pool, asked, None, folder / "cache"))]}


def by_dense(pool: Pool, each: Signals) -> np.ndarray:
    return each.dense.astype(np.float64)


def test_a_mean_is_over_the_questions_of_all_pools_of_a_task(tmp_path: Path) -> None:
    one, two = (found_in(tmp_path / name, [name])["tiny"] for name in ("q0", "q2"))
    assert means({"both": [*one, *two]}, by_dense) == {"both": pytest.approx((SECOND + FIRST) / 2)}
    assert means({"both": [*one, *two]}, plain(FUSIONS["BM25 alone"])) == {"both": 1.0}


def test_a_best_sentence_may_find_what_the_pooled_vector_does_not(tmp_path: Path) -> None:
    found = found_in(tmp_path, ["q0"])
    rows = sentence_rows(found, ENCODER)
    assert means(found, by_dense) == {"tiny": pytest.approx(SECOND)}
    assert rows["sentence alone"] == {"tiny": 1.0}
    assert list(rows) == [
        SERVED,
        "sentence alone",
        "sentence in place of dense",
        *(f"sentence beside, weight {weight}" for weight in ("0.25", "0.5", "1")),
    ]


def test_a_sentence_in_place_of_dense_or_beside_it_changes_the_order(tmp_path: Path) -> None:
    [(pool, [q0])] = found_in(tmp_path, ["q0"])["tiny"]
    # The pooled vectors prefer p1 by a little, the sentences p0 by much; the others say nothing.
    dense = np.array([0.99, 1, 0], np.float32)
    alike = replace(q0, dense=dense, heading=dense, bm25=dense * 0, late=dense * 0)
    found: All = {"tiny": [(pool, [alike])]}
    rows = sentence_rows(found, ENCODER)
    assert rows[SERVED] == {"tiny": pytest.approx(SECOND)}
    assert rows["sentence in place of dense"] == {"tiny": 1.0}
    assert rows["sentence beside, weight 1"] == {"tiny": 1.0}


def test_a_question_above_keeps_its_cosine_where_sentences_stand_in_for_dense(
    tmp_path: Path,
) -> None:
    [(_, [q0])] = found_in(tmp_path, ["q0"])["tiny"]
    dense, other = np.array([0.5, 0.25, 0], np.float32), np.array([0.1, 0.2, 0.3], np.float32)
    heading = np.array([0.5, 0.75, 0], np.float32)
    changed = with_dense(replace(q0, dense=dense, heading=heading), other)
    assert changed.dense.tolist() == other.tolist()
    assert changed.heading.tolist() == pytest.approx([0.1, 0.75, 0.3])


def test_a_document_of_two_good_passages_rises_above_one_of_a_good_and_a_bad(
    tmp_path: Path,
) -> None:
    [(pool, [q2])] = found_in(tmp_path, ["q2"])["tiny"]
    # p0 and p1 count as one document, p2 is the gold and alone.
    one, other, gold = pool.passages
    kin = replace(pool, passages=(one, replace(other, document_id="p0"), gold))
    scored = replace(q2, bm25=q2.dense * 0, late=q2.dense * 0)
    dense = np.array([1, 0, 0.95], np.float32)
    level = replace(scored, dense=dense, heading=dense)
    rows = kin_rows({"tiny": [(kin, [level])]})
    assert rows[SERVED] == {"tiny": pytest.approx(SECOND)}
    assert rows["0.1 of the best other of its document"] == {"tiny": 1.0}


def test_scores_are_raised_by_document_and_by_title(tmp_path: Path) -> None:
    rows = kin_rows(found_in(tmp_path))
    assert len(rows) == 1 + 2 * 2 * 3
    assert rows[SERVED] == rows["0.4 of the mean other of its document"]
    passages = found_in(tmp_path / "again")["tiny"][0][0].passages
    assert [len({kin(p) for p in passages}) for kin in KIN.values()] == [3, 2]
