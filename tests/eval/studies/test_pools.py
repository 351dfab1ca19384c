"""Candidates and signals are those of the search itself."""

from pathlib import Path

import numpy as np
import pytest

from eval.studies.fusions import fused
from eval.studies.pools import (
    Pool,
    judged,
    kept_signals,
    ndcg,
    part_of,
    read_faq_pool,
    read_pool,
    signals,
    with_late,
)
from rag.answering.search import encode_query, find_candidates
from rag.building.build import build_snapshot
from rag.types import silent
from support.letter_encoder import LetterEncoder, corpus, snapshot_of
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()
FAQ = "# Fruit\n\n## FAQ\n\nQ: What is red?\nA: Apples.\n\nQ: What is dark?\nA: Cherries.\n"


def pool_in(folder: Path) -> Pool:
    return read_pool(write_collection(folder / "tiny"), ENCODER, folder / "cache", silent)


def test_signals_are_those_of_the_search(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    snapshot = build_snapshot([tmp_path / "tiny" / "corpus.jsonl"], ENCODER)
    for each in with_late(pool, signals(pool, judged(pool))):
        found = find_candidates(snapshot, encode_query(pool.queries[each.query], ENCODER))
        assert each.rows.tolist() == found.rows.tolist()
        np.testing.assert_allclose(each.dense, found.signals["dense"], rtol=1e-6)
        assert np.array_equal(each.bm25, found.signals["bm25"])
        np.testing.assert_allclose(each.late, found.signals["late"], rtol=1e-3)
        np.testing.assert_allclose(each.heading, found.signals["heading"], rtol=1e-6)
        np.testing.assert_allclose(fused(each), found.fused, rtol=1e-6)


def test_every_question_that_finds_its_document_first_scores_1(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    found = kept_signals(pool, judged(pool), tmp_path / "cache")
    assert ndcg(pool, found, fused) == {"q0": 1.0, "q1": 1.0, "q2": 1.0, "q3": 1.0}
    assert ndcg(pool, found, lambda each: -fused(each))["q0"] < 1


def test_what_is_kept_is_what_was_made(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    first = kept_signals(pool, ["q0", "q3"], tmp_path / "cache")
    again = kept_signals(pool, ["q0", "q3"], tmp_path / "cache")
    assert [each.query for each in again] == ["q0", "q3"]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.late, other.late)
    reread = read_pool(tmp_path / "tiny", ENCODER, tmp_path / "cache", silent)
    assert np.array_equal(reread.stored.tokens, pool.stored.tokens)


def test_a_part_knows_nothing_of_the_rest(tmp_path: Path) -> None:
    part = part_of(pool_in(tmp_path), "metal", [2, 3], ["q3"])
    assert part.units == ("p2", "p3")
    (found,) = with_late(part, signals(part, ["q3"]))
    assert found.rows.tolist() == [0, 1]
    assert found.late.tolist() == pytest.approx([0, 1], abs=1e-3)
    assert np.array_equal(part.stored.of(1), pool_in(tmp_path / "again").stored.of(3))


def test_of_faq_pages_the_answers_are_indexed_and_the_questions_asked(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "pages", fruit=FAQ)
    pool = read_faq_pool(folder, ENCODER, tmp_path / "cache", silent)
    assert list(pool.queries.values()) == ["What is red?", "What is dark?"]
    texts = {pool.units[row]: each.text for row, each in enumerate(pool.passages)}
    assert [texts[query] for query in pool.queries] == ["Apples.", "Cherries."]
    assert snapshot_of(tmp_path / "other", fruit=FAQ).manifest.counts.faq_pairs == 2
