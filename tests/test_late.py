import numpy as np
import pytest

from rag.late import SCALE, late_scores, quantise, similarities, store

X, Y = np.array([1, 0], dtype=np.float32), np.array([0, 1], dtype=np.float32)


def half(*rows: np.ndarray) -> np.ndarray:
    """Rows scaled into the range that int8 holds without clipping."""
    return quantise(np.stack(rows) * 0.25)


def test_the_score_is_the_mean_over_query_tokens_of_the_best_cosine() -> None:
    tokens = store([half(X, Y), half(X)], dim=2)
    query = np.stack([X, Y])
    assert late_scores(query, tokens, [0, 1]).tolist() == [0.25, 0.125]


def test_scores_come_in_the_order_asked_for() -> None:
    tokens = store([half(X), half(Y), half(X, Y)], dim=2)
    assert late_scores(X[None], tokens, [1, 0]).tolist() == [0.0, 0.25]


def test_a_passage_or_a_query_without_tokens_scores_zero() -> None:
    tokens = store([half(X)[:0], half(X), half(X)[:0]], dim=2)
    assert late_scores(X[None], tokens, [0, 1, 2]).tolist() == [0.0, 0.25, 0.0]
    assert late_scores(np.zeros((0, 2), np.float32), tokens, [1]).tolist() == [0.0]
    assert late_scores(X[None], tokens, []).tolist() == []


def test_quantising_rounds_to_the_nearest_step_and_clips() -> None:
    values = np.array([[0.5 / SCALE, 1.6 / SCALE, -3 / SCALE, 1.0, -1.0]], dtype=np.float32)
    assert quantise(values).tolist() == [[0, 2, -3, 127, -127]]


def test_similarities_are_those_of_the_floats_to_within_a_step() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(50, 128)).astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    stored = similarities(tokens[:5], quantise(tokens))
    assert stored == pytest.approx(tokens[:5] @ tokens.T, abs=0.01)


def test_rows_are_those_of_the_passage() -> None:
    tokens = store([half(X), half(Y, Y)], dim=2)
    assert tokens.rows(1).tolist() == [[0, 64], [0, 64]]
