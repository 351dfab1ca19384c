"""What the first five passages hold, on pools that can be worked out."""

from dataclasses import replace
from pathlib import Path

import pytest
from paper import PaperEncoder
from tiny_beir import Row, write_collection

from eval.orders import Ranked
from eval.shown import cap_rows, first_figures, repeat_counts, repeat_figures, served
from eval.signals import Pool, judged, kept_signals, read_pool
from rag.build import silent

# One article of seven paragraphs, two of which say the same.
TEXTS = ["Apples are red.", "Apples are red.", "Bears bite.", "Cats.", "Dogs.", "Eels.", "Foxes."]
ROWS: list[Row] = [
    ("Zoo" if at else "Fruit", f"p{at}", text, text.split()[0], text[:4])
    for at, text in enumerate(TEXTS)
]


def pool_in(folder: Path) -> Pool:
    tiny = write_collection(folder / "tiny", rows=ROWS)
    return read_pool(tiny, PaperEncoder(), folder / "cache", silent)


def test_candidates_come_in_the_order_that_is_served(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    [asked] = served([(pool, kept_signals(pool, ["q3"], None, tmp_path / "cache"))])
    assert asked.query == "q3"
    assert asked.passages[0].text == "Cats."
    assert sorted(asked.rows) == list(range(7))


def test_the_first_passage_is_held_against_the_answers(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    asked = [Ranked(pool, "q0", [0, 3]), Ranked(pool, "q3", [2, 3])]
    known = {"q0": ["red"], "q3": ["Cats"]}
    assert first_figures(asked, known) == {"holds": 0.5, "words": 2.5}


def test_a_cap_shows_more_kin_and_may_push_out_the_answer(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    asked = [Ranked(pool, "q0", [1, 2, 3, 4, 5, 0])]
    rows = cap_rows(asked, lambda passage: passage.context, {"q0": ["red"]})
    assert rows["no cap"] == {"hit": 0.0, "kin": 1.0, "answer": 1.0}
    assert rows["1"] == {"hit": 1.0, "kin": 2.0, "answer": 1.0}
    assert list(rows) == ["no cap", "1", "2", "3"]
    assert cap_rows(asked, lambda passage: passage.context, None)["3"]["answer"] is None


def test_a_repeat_counts_among_the_first_five_only(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    above = Ranked(pool, "q0", [0, 1, 2, 3, 4, 5])
    below = Ranked(pool, "q2", [0, 2, 3, 4, 5, 1])
    assert repeat_figures([above, below]) == {
        "questions": 0.5,
        "sections": 5.0,
        "sections_once": 5.0,
        "ndcg": pytest.approx((1 + 0.6309297535714575) / 2),
        "ndcg_once": pytest.approx((1 + 0.6309297535714575) / 2),
    }
    parts = Ranked(replace(pool, passages=(pool.passages[0],) * 2), "q0", [0, 1])
    assert repeat_figures([parts])["sections"] == 1.0


def test_repeats_are_counted_over_a_corpus(tmp_path: Path) -> None:
    assert repeat_counts(pool_in(tmp_path).passages) == {"passages": 7, "repeats": 1}


def test_every_judged_question_is_asked(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    found = [(pool, kept_signals(pool, judged(pool), None, tmp_path / "cache"))]
    assert [each.query for each in served(found)] == [f"q{at}" for at in range(7)]
