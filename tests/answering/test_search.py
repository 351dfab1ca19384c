from pathlib import Path

import numpy as np
import pytest

from rag.answering.search import FEWEST, encode_query, search, together
from rag.index.snapshot import Snapshot
from rag.schemas.ask import MAX_TOP_K
from rag.types import Filters
from support.letter_encoder import LetterEncoder, snapshot_of

ENCODER = LetterEncoder()


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    return snapshot_of(
        tmp_path,
        apples="# Apples\n\n## Red\n\nApples are red.\n\n## Green\n\nPears are green.\n",
        plums="# Plums\n\n## Blue\n\nPlums are blue.\n",
    )


def texts(hits: list) -> list[str]:
    return [hit.passage.text for hit in hits]


def test_hybrid_puts_the_passage_first_that_all_signals_prefer(fruit: Snapshot) -> None:
    hits = search(fruit, encode_query("blue plums", ENCODER), k=3)
    assert texts(hits)[0] == "Plums are blue."
    assert hits[0].score > hits[1].score + 0.5


def test_hits_carry_the_signals_and_their_fusion(fruit: Snapshot) -> None:
    best = search(fruit, encode_query("blue plums", ENCODER), k=1)[0].scores
    assert best.dense is not None and best.bm25 is not None and best.late is not None
    assert best.bm25 > 0
    # The cosine is that of the passage twice over: nothing it stands under is a question.
    assert best.heading == best.dense
    assert best.fused == pytest.approx((0.35 + 1 + best.heading) / 2.35)


def test_hits_are_ordered_by_score_then_passage_id(fruit: Snapshot) -> None:
    hits = search(fruit, encode_query("zebra", ENCODER), k=9)
    assert [(-hit.score, hit.passage.id) for hit in hits] == sorted(
        (-hit.score, hit.passage.id) for hit in hits
    )


def test_a_single_signal_leaves_the_others_out(fruit: Snapshot) -> None:
    dense = search(fruit, encode_query("plums", ENCODER), k=3, mode="dense")
    assert len(dense) == 3
    assert {(hit.scores.bm25, hit.scores.late) for hit in dense} == {(None, None)}
    bm25 = search(fruit, encode_query("plums", ENCODER), k=3, mode="bm25")
    assert texts(bm25) == ["Plums are blue."]
    assert (bm25[0].scores.dense, bm25[0].scores.late) == (None, None)


def test_more_than_there_are_gives_all_once(fruit: Snapshot) -> None:
    for mode in ("hybrid", "dense"):
        hits = search(fruit, encode_query("plums", ENCODER), k=50, mode=mode)
        assert len({hit.passage.id for hit in hits}) == len(hits) == 3


def test_a_question_of_stop_words_alone(fruit: Snapshot) -> None:
    assert search(fruit, encode_query("the of it", ENCODER), k=3, mode="bm25") == []
    assert len(search(fruit, encode_query("the of it", ENCODER), k=3)) == 3


def test_a_question_without_tokens_still_ranks(fruit: Snapshot) -> None:
    assert len(search(fruit, encode_query("   ", ENCODER), k=3)) == 3


def test_late_interaction_alone_ranks_by_it(fruit: Snapshot) -> None:
    hits = search(fruit, encode_query("green pears", ENCODER), k=3, weights={"late": 1})
    assert texts(hits)[0] == "Pears are green."
    late = [hit.scores.late for hit in hits]
    assert late == sorted(late, reverse=True)


def test_filters_restrict_by_document_and_by_heading(fruit: Snapshot) -> None:
    for mode in ("hybrid", "dense", "bm25"):
        hits = search(
            fruit,
            encode_query("plums red", ENCODER),
            k=9,
            mode=mode,
            filters=Filters(("plums.md",)),
        )
        assert texts(hits) == ["Plums are blue."]
    assert texts(
        search(fruit, encode_query("plums", ENCODER), k=9, filters=Filters(section="RED"))
    ) == ["Apples are red."]
    assert search(fruit, encode_query("plums", ENCODER), k=9, filters=Filters(("none.md",))) == []


def test_a_query_has_a_unit_vector_and_stems() -> None:
    query = encode_query("blue plums", ENCODER)
    assert query.stems == ("blue", "plum")
    assert np.isclose(np.linalg.norm(query.pooled), 1)


def test_body_only_leaves_faq_pairs_out_and_finds_as_many_others(tmp_path: Path) -> None:
    pairs = "".join(f"### What are bees {n}?\n\nBees.\n\n" for n in range(60))
    snapshot = snapshot_of(tmp_path, bees=f"# Z\n\n## Zoo\n\nA bee.\n\n## FAQ\n\n{pairs}")
    query = encode_query("What are bees?", ENCODER)
    assert len(search(snapshot, query, k=9)) == 9
    assert texts(search(snapshot, query, k=9, body_only=True)) == ["A bee."]


def test_candidates_are_the_best_of_both_and_then_the_next_by_dense() -> None:
    near, matching = np.array([5, 3, 1, 0, 7]), np.array([9, 5, 2])
    assert together(near, matching, k=0, each=2).tolist() == [3, 5, 9]
    assert together(near, matching, k=5, each=2).tolist() == [0, 1, 3, 5, 9]
    assert together(near, matching, k=99, each=2).tolist() == [0, 1, 3, 5, 7, 9]
    assert together(near, matching[:0], k=2, each=1).tolist() == [3, 5]


def test_there_are_as_many_candidates_as_an_answer_may_show() -> None:
    assert FEWEST == MAX_TOP_K
