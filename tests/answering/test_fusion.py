import numpy as np

from rag.answering.fusion import SCALES, STRETCHED, cosine, fuse, min_max, order
from rag.answering.profile import Weights, profile_of
from support.models import BUNDLED


def signal(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


TWO = {
    "dense": signal(0, 1),
    "bm25": signal(4, 2),
    "late": signal(1, 5),
    "heading": signal(0.5, 0.25),
}


FOUR = {"dense": 1, "bm25": 1, "late": 4, "heading": 2}


def fused(weights: Weights) -> list[float]:
    return sum(fuse(TWO, weights).values()).tolist()


def test_the_fused_score_is_the_weighted_mean_of_normalised_signals() -> None:
    assert fused(FOUR) == [0.25, 0.6875]


def test_each_share_is_what_its_signal_adds() -> None:
    shares = fuse(TWO, FOUR)
    assert {name: share.tolist() for name, share in shares.items()} == {
        "dense": [0, 0.125],
        "bm25": [0.125, 0],
        "late": [0, 0.5],
        "heading": [0.125, 0.0625],
    }


def test_cosines_count_as_they_are_and_negative_ones_do_not() -> None:
    assert cosine(signal(-0.5, 0.25, 0.5, 1.0000001)).tolist() == [0, 0.25, 0.5, 1]


def test_other_scales_may_be_named() -> None:
    shares = fuse(TWO, FOUR, STRETCHED)
    assert shares["heading"].tolist() == [0.25, 0]


def test_a_signal_without_a_weight_does_not_count() -> None:
    assert fused({"dense": 1, "bm25": 0}) == [0.0, 1.0]


def test_the_weights_that_ship_are_of_signals_with_a_scale() -> None:
    weights = profile_of(BUNDLED).weights
    assert weights.keys() < SCALES.keys()
    assert min(weights.values()) > 0


def test_a_signal_that_does_not_vary_contributes_nothing() -> None:
    assert min_max(signal(3, 3, 3)).tolist() == [0.0, 0.0, 0.0]
    assert min_max(signal()).tolist() == []


def test_order_breaks_ties_by_id() -> None:
    assert order([0.5, 0.9, 0.5], ["b", "c", "a"]) == [1, 2, 0]
