"""Sentence vectors, worked out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from square import SquareEncoder
from tiny_beir import write_collection

from eval.sentence_vectors import Sentences, best_cosines, sentence_vectors
from eval.signals import Pool, read_pool
from rag.build import silent

ENCODER = SquareEncoder()


def pool_in(folder: Path) -> Pool:
    return read_pool(write_collection(folder / "tiny"), ENCODER, folder / "cache", silent)


def test_a_sentences_vector_is_the_mean_of_its_tokens(tmp_path: Path) -> None:
    found = sentence_vectors(pool_in(tmp_path), ENCODER)
    assert found.starts.tolist() == [0, 2, 4, 6, 8]
    # Gold is heavy. -> g, i, h and the stop, each a quarter of the sum's square
    letters = np.flatnonzero(found.vectors[4]).tolist()
    assert letters == [6, 7, 8, 26]
    assert found.vectors[4][letters].tolist() == pytest.approx([0.5] * 4, abs=1e-3)


def test_the_titles_tokens_are_no_sentences(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    assert pool.passages[2].context == "Metal"
    found = sentence_vectors(pool, ENCODER)
    assert found.vectors[4][12] == 0.0


def test_a_passage_scores_by_its_best_sentence() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    found = Sentences(vectors, np.array([0, 2, 2, 3]))
    query = np.array([0, 1], np.float32)
    assert best_cosines(found, query, np.array([2, 0, 1])).tolist() == pytest.approx([0.8, 1, -1])


def test_a_passage_whose_tokens_were_cut_off_has_the_sentences_that_are_left(
    tmp_path: Path,
) -> None:
    pool = pool_in(tmp_path)
    only = replace(pool.passages[0], text="Apples.")
    part = replace(pool, passages=(only, *pool.passages[1:]))
    assert sentence_vectors(part, ENCODER).starts.tolist() == [0, 1, 3, 5, 7]
