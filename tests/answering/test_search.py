from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.answering.search import encode_query, find_candidates, together
from rag.index.snapshot import Snapshot
from rag.types import Filters, ScoredPassage
from support.letter_encoder import LatinOnly, LetterEncoder, snapshot_of

ENCODER = LetterEncoder()


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    return snapshot_of(
        tmp_path,
        apples="# Apples\n\n## Red\n\nApples are red.\n\n## Green\n\nPears are green.\n",
        plums="# Plums\n\n## Blue\n\nPlums are blue.\n",
    )


def search(snapshot: Snapshot, question: str, k: int = 9, **how: Any) -> list[ScoredPassage]:
    return find_candidates(snapshot, encode_query(question, ENCODER), **how).best(k)


def texts(hits: list) -> list[str]:
    return [hit.passage.text for hit in hits]


def test_hybrid_puts_the_passage_first_that_all_signals_prefer(fruit: Snapshot) -> None:
    hits = search(fruit, "blue plums", k=3)
    assert texts(hits)[0] == "Plums are blue."
    assert hits[0].score > hits[1].score + 0.5


def test_hits_carry_the_signals_and_their_fusion(fruit: Snapshot) -> None:
    best = search(fruit, "blue plums", k=1)[0].scores
    assert best.dense is not None and best.bm25 is not None and best.late is not None
    assert best.bm25 > 0
    # The cosine is that of the passage twice over: nothing it stands under is a question.
    assert best.heading == best.dense
    assert best.fused == pytest.approx((0.35 + 1 + best.heading) / 2.35)


def test_hits_are_ordered_by_score_then_passage_id(fruit: Snapshot) -> None:
    hits = search(fruit, "zebra", k=9)
    assert [(-hit.score, hit.passage.id) for hit in hits] == sorted(
        (-hit.score, hit.passage.id) for hit in hits
    )


def test_a_single_signal_leaves_the_others_out(fruit: Snapshot) -> None:
    dense = search(fruit, "plums", k=3, mode="dense")
    assert len(dense) == 3
    assert {(hit.scores.bm25, hit.scores.late) for hit in dense} == {(None, None)}
    bm25 = search(fruit, "plums", k=3, mode="bm25")
    assert texts(bm25) == ["Plums are blue."]
    assert (bm25[0].scores.dense, bm25[0].scores.late) == (None, None)


def test_more_than_there_are_gives_all_once(fruit: Snapshot) -> None:
    for mode in ("hybrid", "dense"):
        hits = search(fruit, "plums", k=50, mode=mode)
        assert len({hit.passage.id for hit in hits}) == len(hits) == 3


def test_a_question_of_stop_words_alone(fruit: Snapshot) -> None:
    assert search(fruit, "the of it", k=3, mode="bm25") == []
    assert len(search(fruit, "the of it", k=3)) == 3


def test_a_question_without_tokens_still_ranks(fruit: Snapshot) -> None:
    assert len(search(fruit, "   ", k=3)) == 3


def test_late_interaction_alone_ranks_by_it(fruit: Snapshot) -> None:
    hits = search(fruit, "green pears", k=3, weights={"late": 1})
    assert texts(hits)[0] == "Pears are green."
    late = [hit.scores.late for hit in hits]
    assert late == sorted(late, reverse=True)


def test_filters_restrict_by_document_and_by_heading(fruit: Snapshot) -> None:
    for mode in ("hybrid", "dense", "bm25"):
        hits = search(
            fruit,
            "plums red",
            k=9,
            mode=mode,
            filters=Filters(("plums.md",)),
        )
        assert texts(hits) == ["Plums are blue."]
    assert texts(search(fruit, "plums", k=9, filters=Filters(section="RED"))) == ["Apples are red."]
    assert search(fruit, "plums", k=9, filters=Filters(("none.md",))) == []


def test_a_query_has_a_unit_vector_and_stems() -> None:
    query = encode_query("blue plums", ENCODER)
    assert query.stems == ("blue", "plum")
    assert np.isclose(np.linalg.norm(query.pooled), 1)


def test_body_only_leaves_faq_pairs_out_and_finds_as_many_others(tmp_path: Path) -> None:
    pairs = "".join(f"### What are bees {n}?\n\nBees.\n\n" for n in range(60))
    snapshot = snapshot_of(tmp_path, bees=f"# Z\n\n## Zoo\n\nA bee.\n\n## FAQ\n\n{pairs}")
    query = "What are bees?"
    assert len(search(snapshot, query, k=9)) == 9
    assert texts(search(snapshot, query, k=9, body_only=True)) == ["A bee."]


def test_candidates_are_the_best_of_both_and_then_the_next_by_dense() -> None:
    near, matching = np.array([5, 3, 1, 0, 7]), np.array([9, 5, 2])
    assert together(near, matching, k=0, each=2).tolist() == [3, 5, 9]
    assert together(near, matching, k=5, each=2).tolist() == [0, 1, 3, 5, 9]
    assert together(near, matching, k=99, each=2).tolist() == [0, 1, 3, 5, 7, 9]
    assert together(near, matching[:0], k=2, each=1).tolist() == [3, 5]


def test_filters_by_several_documents_and_by_a_heading_meet(fruit: Snapshot) -> None:
    both = Filters(("plums.md", "apples.md"), section="blue")
    assert texts(search(fruit, "apples", filters=both)) == ["Plums are blue."]
    assert search(fruit, "apples", filters=Filters(("apples.md",), section="Blue")) == []
    assert search(fruit, "apples", filters=Filters(section="pink")) == []


def test_a_filter_restricts_every_signal_as_if_nothing_else_were_indexed(tmp_path: Path) -> None:
    texts_of = {f"d{at}": f"# F{at % 3}\n\nFigs rot {at}.\n" for at in range(90)}
    snapshot = snapshot_of(tmp_path, **texts_of)
    kept = {f"d{at}.md" for at in range(1, 90, 3)}
    for mode in ("hybrid", "dense", "bm25"):
        filters = Filters(tuple(sorted(kept)))
        found = search(snapshot, "figs", 90, mode=mode, filters=filters)
        assert {hit.passage.document_id for hit in found} == kept


def test_a_signal_without_weight_is_left_out_unless_it_finds_candidates(fruit: Snapshot) -> None:
    best = search(fruit, "blue plums", 1, weights={"dense": 1, "bm25": 1}, stretched=True)[0]
    assert (best.scores.late, best.scores.heading, best.score) == (None, None, 1.0)


def test_without_some_the_other_candidates_score_as_if_alone(fruit: Snapshot) -> None:
    found = find_candidates(fruit, encode_query("blue plums red", ENCODER))
    # The one passage that both words are nearest to is taken out.
    kept = found.signals["bm25"] < found.signals["bm25"].max()
    left = found.narrowed(kept)
    assert left.rows.tolist() == found.rows[kept].tolist()
    assert left.signals["bm25"].tolist() == found.signals["bm25"][kept].tolist()
    assert (
        0
        < found.shares["bm25"][kept].max()
        < left.shares["bm25"].max()
        == pytest.approx(0.35 / 2.35)
    )


def test_unknown_characters_have_no_tokens_unless_there_are_no_others() -> None:
    known = encode_query("plums", LatinOnly())
    mixed = encode_query("Дом plums 2", LatinOnly())
    assert np.array_equal(mixed.tokens, known.tokens)
    assert mixed.readable
    none = encode_query("Дом дом", LatinOnly())
    assert len(none.tokens) == 2 and not none.readable
    assert encode_query("", LatinOnly()).readable
    assert [encode_query(f"{word} Дом", LatinOnly()).readable for word in ("a", "ant", "ants")] == [
        *(False, False, True)
    ]


def test_a_name_that_is_a_stop_word_outweighs_the_model(tmp_path: Path) -> None:
    assert encode_query("gate A", ENCODER).named
    assert not encode_query("Its being is a gate", ENCODER).named
    # Both letters of the question that gate A lacks begin words of gate B.
    snapshot = snapshot_of(tmp_path, a="Gate A plum plum.", b="Gate B oaks ants.")
    hits = search(snapshot, "open gate A", k=2)
    assert texts(hits)[0] == "Gate A plum plum."
