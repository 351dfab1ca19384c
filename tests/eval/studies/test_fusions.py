"""Ways to fuse, worked out by hand."""

import math

import numpy as np
import pytest

from eval.studies.fusions import (
    by_distribution,
    fused,
    fusions,
    normalised,
    reciprocal_rank,
    standard,
)

SIGNALS = ("dense", "bm25", "late", "heading")
COLUMNS = ([0.0, 0.5, 1.0], [4.0, 0.0, 0.0], [0.2, 0.2, 0.4], [0.0, 0.1, 0.0])
THREE = {name: np.array(values, np.float32) for name, values in zip(SIGNALS, COLUMNS, strict=True)}
FUSIONS = fusions({"bm25": 0.35, "late": 1.0, "heading": 1.0})


def test_as_served_is_the_weighted_sum_of_cosines_and_of_min_max_scores() -> None:
    assert fused(THREE, {"dense": 2, "bm25": 1, "late": 3}).tolist() == pytest.approx(
        [1 / 6, 1 / 6, 5 / 6]
    )
    assert fused(THREE, {"dense": 2, "bm25": 1, "late": 3, "heading": 4}).tolist() == pytest.approx(
        [0.1, 0.14, 0.5]
    )


def test_z_scores_have_mean_0_and_deviation_1() -> None:
    assert standard(np.array([1.0, 3.0])).tolist() == [-1.0, 1.0]
    assert standard(np.array([2.0, 2.0])).tolist() == [0.0, 0.0]


def test_by_distribution_3_deviations_are_the_ends() -> None:
    assert by_distribution(np.array([1.0, 3.0])).tolist() == pytest.approx([2 / 6, 4 / 6])
    assert by_distribution(np.array([0.0] * 99 + [1.0]))[-1] == 1.0


def test_reciprocal_ranks_count_from_1() -> None:
    assert reciprocal_rank(np.array([0.1, 0.9])).tolist() == [1 / 62, 1 / 61]


def test_a_normalised_sum_weighs_each_signal() -> None:
    score = normalised(reciprocal_rank, {"dense": 1, "late": 2})
    assert score(THREE).tolist() == pytest.approx(
        [1 / 63 + 2 / 62, 1 / 62 + 2 / 63, 1 / 61 + 2 / 61]
    )


@pytest.mark.parametrize("name", FUSIONS)
def test_every_fusion_scores_every_candidate(name: str) -> None:
    scores = FUSIONS[name](THREE)
    assert scores.shape == (3,)
    assert all(math.isfinite(score) for score in scores)
