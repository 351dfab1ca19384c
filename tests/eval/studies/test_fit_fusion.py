"""The comparison of fusions, on pools that can be worked out."""

from pathlib import Path

from eval.studies.fit_fusion import Found, left_out, outcome
from eval.studies.fusions import FUSIONS
from eval.studies.pools import judged, kept_signals, read_pool
from eval.studies.tasks import by_article, drawn
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()


def found_in(folder: Path) -> Found:
    pool = read_pool(write_collection(folder / "tiny"), ENCODER, folder / "cache", silent)
    return [(pool, kept_signals(pool, judged(pool), folder / "cache"))]


def test_every_fusion_is_measured_on_every_task(tmp_path: Path) -> None:
    found = found_in(tmp_path)
    made = outcome({"a": found, "b": found}, {"as served, of other candidates": {"a": found}})
    others = [
        "as served, chosen without it",
        "as served, of other candidates",
    ]
    assert list(made["rows"]) == [*FUSIONS, *others]
    assert made["rows"]["as served"] == {"a": 1.0, "b": 1.0}
    assert made["tasks"]["a"] == {"questions": 4, "passages": 4}
    assert made["over_dense_and_bm25"]["a"] == {"mean": 0, "low": 0, "high": 0, "n": 4, "p": 1}
    assert made["below_best"] == {"a": 0.0, "b": 0.0}


def test_weights_are_chosen_without_the_task_that_they_are_judged_on(tmp_path: Path) -> None:
    found = found_in(tmp_path)
    assert left_out({"a": found, "b": found}) == {"a": 1.0, "b": 1.0}


def test_questions_are_drawn_in_order_and_always_the_same() -> None:
    names = [f"q{n:03}" for n in range(400)]
    assert drawn(names[:3]) == names[:3]
    assert len(drawn(names)) == 300
    assert drawn(names) == sorted(drawn(names)) == drawn(list(names))


def test_an_articles_rows_are_those_with_its_title(tmp_path: Path) -> None:
    (pool, _), *_ = found_in(tmp_path)
    assert by_article(pool, ["q2", "q0", "q3"]) == [
        ("tiny/Fruit", [0, 1], ["q0"]),
        ("tiny/Metal", [2, 3], ["q2", "q3"]),
    ]
