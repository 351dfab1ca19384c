"""The comparison of fusions, on pools that can be worked out."""

from pathlib import Path

from eval.studies.fit_fusion import Pools, left_out, outcome
from eval.studies.fusions import fusions
from eval.studies.pools import Pool, found_in, judged, read_pool
from eval.studies.tasks import by_article, drawn
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()


WEIGHTS = {"bm25": 0.35, "late": 1.0, "heading": 1.0}


def pool_in(folder: Path) -> Pool:
    return read_pool(write_collection(folder / "tiny"), ENCODER, folder / "cache", silent)


def found(folder: Path) -> Pools:
    pool = pool_in(folder)
    return [(pool, found_in(pool, judged(pool), ENCODER))]


def test_every_fusion_is_measured_on_every_task(tmp_path: Path) -> None:
    one = found(tmp_path)
    others = {"as served, of other candidates": {"a": one}}
    made = outcome({"a": one, "b": one}, others, WEIGHTS)
    more = [
        "as served, chosen without it",
        "as served, of other candidates",
    ]
    assert list(made["rows"]) == [*fusions(WEIGHTS), *more]
    assert made["rows"]["as served"] == {"a": 1.0, "b": 1.0}
    assert made["tasks"]["a"] == {"questions": 4, "passages": 4}
    assert made["over_dense_and_bm25"]["a"] == {"mean": 0, "low": 0, "high": 0, "n": 4, "p": 1}
    assert made["below_best"] == {"a": 0.0, "b": 0.0}


def test_weights_are_chosen_without_the_task_that_they_are_judged_on(tmp_path: Path) -> None:
    one = found(tmp_path)
    assert left_out({"a": one, "b": one}) == {"a": 1.0, "b": 1.0}


def test_questions_are_drawn_in_order_and_always_the_same() -> None:
    names = [f"q{n:03}" for n in range(400)]
    assert drawn(names[:3]) == names[:3]
    assert len(drawn(names)) == 300
    assert drawn(names) == sorted(drawn(names)) == drawn(list(names))


def test_an_articles_documents_are_those_with_its_title(tmp_path: Path) -> None:
    assert by_article(pool_in(tmp_path), ["q2", "q0", "q3"]) == [
        ("tiny/Fruit", ["p0", "p1"], ["q0"]),
        ("tiny/Metal", ["p2", "p3"], ["q2", "q3"]),
    ]
