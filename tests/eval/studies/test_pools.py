"""Pools are asked as the service is, whole or in parts."""

from pathlib import Path

import numpy as np
import pytest

from eval.studies.fusions import fused
from eval.studies.pools import Pool, found_in, judged, ndcg, part_of, read_faq_pool, read_pool
from rag.answering.search import encode_query, find_candidates
from rag.building.reuse import reuse_of
from rag.types import silent
from support.builds import build_snapshot
from support.letter_encoder import Counting, LetterEncoder, corpus, snapshot_of
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()
WEIGHTS = {"bm25": 0.35, "late": 1.0, "heading": 1.0}
FAQ = "# Fruit\n\n## FAQ\n\nQ: What is red?\nA: Apples.\n\nQ: What is dark?\nA: Cherries.\n"


def pool_in(folder: Path, encoder: LetterEncoder = ENCODER) -> Pool:
    return read_pool(write_collection(folder / "tiny"), encoder, folder / "cache", silent)


def test_candidates_are_those_that_are_served(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    snapshot = build_snapshot([tmp_path / "tiny" / "corpus.jsonl"], ENCODER)
    for query, found in found_in(pool, judged(pool), ENCODER).items():
        served = find_candidates(snapshot, encode_query(pool.queries[query], ENCODER))
        assert found.rows.tolist() == served.rows.tolist()
        assert fused(found.signals, WEIGHTS).tolist() == served.fused.tolist()


def test_every_question_that_finds_its_document_first_scores_1(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    found = found_in(pool, judged(pool), ENCODER)
    best = ndcg(pool, found, lambda signals: fused(signals, WEIGHTS))
    assert best == {"q0": 1.0, "q1": 1.0, "q2": 1.0, "q3": 1.0}
    assert ndcg(pool, found, lambda signals: -fused(signals, WEIGHTS))["q0"] < 1


def test_the_snapshot_is_kept(tmp_path: Path) -> None:
    first, encoder = pool_in(tmp_path), Counting()
    again = read_pool(tmp_path / "tiny", encoder, tmp_path / "cache", silent)
    assert again.snapshot.id == first.snapshot.id
    assert not any("Apples" in text for _, text in encoder.seen)


def test_a_part_knows_nothing_of_the_rest_and_encodes_nothing_again(tmp_path: Path) -> None:
    pool, encoder = pool_in(tmp_path), Counting()
    reuse = reuse_of(pool.snapshot, ENCODER)
    part = part_of(pool, "metal", ["p2", "p3"], ["q3"], encoder, reuse)
    assert (part.units, list(part.queries)) == (("p2", "p3"), ["q3"])
    found = found_in(part, ["q3"], ENCODER)["q3"]
    assert found.rows.tolist() == [0, 1]
    assert found.signals["late"].tolist() == pytest.approx([0, 1], abs=1e-3)
    assert part.snapshot.lexical.count == 2
    assert not any("Gold" in text for _, text in encoder.seen)


def test_of_faq_pages_the_answers_are_indexed_and_the_questions_asked(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "pages", fruit=FAQ)
    pool = read_faq_pool(folder, ENCODER, silent)
    assert list(pool.queries.values()) == ["What is red?", "What is dark?"]
    texts = {unit: p.text for unit, p in zip(pool.units, pool.snapshot.passages, strict=True)}
    assert [texts[query] for query in pool.queries] == ["Apples.", "Cherries."]
    assert np.all(pool.snapshot.headings.rows == -1)
    assert snapshot_of(tmp_path / "other", fruit=FAQ).manifest.counts.faq_pairs == 2
