"""BM25 as published, by hand."""

import math

import pytest

from eval.running.lucene import bm25


def test_scores_are_lucenes_formula() -> None:
    """ "Cats" in one of two texts of 2 and 4 words, twice in the second, by two query words."""
    scores = bm25(["dogs bark", "the cats and cat bark meow"], ["cat", "CATS cat", "bark"])
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    weight = idf * 2 / (2 + 0.9 * (1 - 0.4 + 0.4 * 4 / 3))
    assert scores[0].tolist() == [0.0, pytest.approx(weight, rel=1e-5)]
    assert scores[1].tolist() == [0.0, pytest.approx(2 * weight, rel=1e-5)]
    assert scores[2][0] > scores[2][1] > 0


def test_texts_and_queries_without_words_score_0() -> None:
    assert bm25(["the", "..."], ["the"]).tolist() == [[0.0, 0.0]]
    assert bm25(["cats"], ["the", "dogs"]).tolist() == [[0.0], [0.0]]
