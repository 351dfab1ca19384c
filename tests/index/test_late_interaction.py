import numpy as np
import pytest

from rag.index.late_interaction import BLOCK, LateInteraction, best_similarities
from rag.index.token_vectors import Scratch, halved, quantise, store
from support.letter_encoder import TOKENS

X, Y = TOKENS[:2]


def similarities(query: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The cosine of each stored token with each query token."""
    return best_similarities(query, tokens, np.arange(len(tokens)))


def rows(*vectors: np.ndarray) -> np.ndarray:
    return quantise(np.stack(vectors))


def test_the_score_is_the_mean_over_query_tokens_of_the_best_cosine() -> None:
    tokens = store([rows(X, Y), rows(X)], dim=64)
    assert LateInteraction(TOKENS[:2], tokens).scores([0, 1]).tolist() == pytest.approx([1, 0.5])


def test_scores_come_in_the_order_asked_for() -> None:
    tokens = store([rows(X), rows(Y), rows(X, Y)], dim=64)
    assert LateInteraction(TOKENS[:1], tokens).scores([1, 0]).tolist() == pytest.approx([0, 1])


def test_a_passage_or_a_query_without_tokens_scores_zero() -> None:
    tokens = store([rows(X)[:0], rows(X), rows(X)[:0]], dim=64)
    assert LateInteraction(TOKENS[:1], tokens).scores([0, 1, 2]).tolist() == pytest.approx(
        [0, 1, 0]
    )
    assert LateInteraction(np.zeros((0, 64), np.float32), tokens).scores([1]).tolist() == [0.0]
    assert LateInteraction(TOKENS[:1], tokens).scores([]).tolist() == []
    assert LateInteraction(np.zeros((1, 64), np.float32), tokens).scores([1]).tolist() == [0.0]


def test_a_score_does_not_depend_on_the_other_passages() -> None:
    generator = np.random.default_rng(0)
    tokens = store([quantise(unit(generator, n, 384)) for n in (3, 40, 7)], dim=384)
    query = unit(generator, 5, 384)
    alone = [LateInteraction(query, tokens).scores([at])[0] for at in range(3)]
    assert LateInteraction(query, tokens).scores([0, 1, 2]).tolist() == alone


@pytest.mark.parametrize("dim", [384, 386])
def test_similarities_are_near_those_of_the_floats_and_not_biased(dim: int) -> None:
    generator = np.random.default_rng(0)
    query = unit(generator, 20, dim)
    tokens = np.concatenate([query, unit(generator, 500, dim)])
    apart = similarities(query, quantise(tokens)) - tokens @ query.T
    assert apart.std() < 0.02
    assert abs(np.diagonal(apart).mean()) < 0.01


@pytest.mark.parametrize("dim", [384, 386])
def test_one_bit_is_coarser_and_not_biased_either(dim: int) -> None:
    generator = np.random.default_rng(0)
    query = unit(generator, 20, dim)
    tokens = np.concatenate([query, unit(generator, 500, dim)])
    interaction = LateInteraction(query, store([halved(quantise(tokens))], dim, bits=1))
    every = np.arange(len(tokens))
    apart = interaction.best([(0, every, len(tokens))]) - tokens @ query.T
    assert 0.02 < apart.std() < 0.05
    assert abs(np.diagonal(apart).mean()) < 0.01


def test_the_best_similarities_are_the_largest_of_each_part() -> None:
    generator = np.random.default_rng(0)
    query, tokens = unit(generator, 5, 386), quantise(unit(generator, 12, 386))
    query[3] = 0
    every = similarities(query, tokens)
    found = best_similarities(query, tokens, np.array([2, 5, 5, 6]))
    parts = [every[2:5], every[5:6], every[5:6], every[6:]]
    assert found.tolist() == [part.max(axis=0).tolist() for part in parts]


def test_passages_that_were_met_before_have_the_same_scores() -> None:
    generator = np.random.default_rng(0)
    tokens = store([quantise(unit(generator, n, 384)) for n in (3, 0, 40, 7)], dim=384)
    interaction = LateInteraction(unit(generator, 5, 384), tokens)
    together = interaction.scores([0, 1, 2, 3]).tolist()
    assert interaction.scores([3, 1, 3]).tolist() == [together[at] for at in (3, 1, 3)]
    for order in ([3, 0, 1, 2], [2, 3]):
        afresh = LateInteraction(interaction.query, tokens).scores(order).tolist()
        assert afresh == [together[at] for at in order]


def test_the_parts_of_a_passage_are_compared_alone() -> None:
    generator = np.random.default_rng(0)
    passages = [quantise(unit(generator, n, 384)) for n in (3, 12)]
    interaction = LateInteraction(unit(generator, 5, 384), store(passages, dim=384))
    one, two = np.array([0]), np.array([0, 4, 4])
    asked = interaction.query
    expected = [
        *best_similarities(asked, passages[0], one).tolist(),
        *best_similarities(asked, passages[1][:9], two).tolist(),
    ]
    assert interaction.best([(0, one, 3), (1, two, 9)]).tolist() == expected


def test_threads_that_answer_at_a_time_have_memory_of_their_own() -> None:
    scratch = Scratch()
    with scratch.rows(2, 4) as one, scratch.rows(3, 4) as two:
        one[:], two[:] = 1, 2
        assert (one.sum(), two.sum()) == (8, 24)
    with scratch.rows(2, 2) as again, scratch.rows(2, 4) as other:
        assert np.shares_memory(again, one)
        assert np.shares_memory(other, two)


def test_many_tokens_are_met_in_blocks_with_the_same_scores() -> None:
    generator = np.random.default_rng(0)
    tokens = store([quantise(unit(generator, 250, 8)) for _ in range(2 * BLOCK // 250)], dim=8)
    query = unit(generator, 5, 8)
    every = range(len(tokens.starts) - 1)
    alone = [LateInteraction(query, tokens).scores([row]).item() for row in every]
    assert LateInteraction(query, tokens).scores(every).tolist() == alone


def unit(generator: np.random.Generator, count: int, dim: int) -> np.ndarray:
    drawn = generator.normal(size=(count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
