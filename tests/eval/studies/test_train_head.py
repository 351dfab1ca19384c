"""Training: the same score as served, the same bytes again, and better than its start."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from eval.studies.pools import judged, read_pool
from eval.studies.train_head import (
    TrainingRecipe,
    TrainingSet,
    late_interaction,
    principal,
    train,
    training_set,
    write_head,
)
from rag.encoders.head import rotation
from rag.index.late_interaction import LateInteraction
from rag.index.token_vectors import quantise, store
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()
RECIPE = TrainingRecipe(size=4, epochs=2, batch=3, negatives=2, sample=50)


def set_in(folder: Path) -> TrainingSet:
    pool = read_pool(write_collection(folder / "t"), ENCODER, folder / "cache", silent)
    return training_set(pool, judged(pool), ENCODER, RECIPE, silent)


def test_late_interaction_is_that_which_is_served() -> None:
    drawn = np.random.default_rng(0).normal(size=(9, 384)).astype(np.float32)
    tokens = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    query = tokens[:2] + tokens[4:6]
    stored = store([quantise(tokens[2:5]), quantise(tokens[5:])], 384)
    served = LateInteraction(query, stored).scores([0, 1])
    found = late_interaction(torch.from_numpy(query), torch.from_numpy(tokens[2:]), [3, 4])
    np.testing.assert_allclose(found.numpy(), served, atol=0.03)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path) -> None:
    made = set_in(tmp_path)
    first, again = (train([made], RECIPE, silent) for _ in range(2))
    other = train([made], replace(RECIPE, seed=1), silent)
    assert first.shape == (ENCODER.token_dim, 4)
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_moves_away_from_the_principal_components(tmp_path: Path) -> None:
    made = set_in(tmp_path)
    start = principal([made.tokens], RECIPE, np.random.default_rng(0))
    np.testing.assert_allclose(start.T @ start, np.eye(4), atol=1e-5)
    ends = {
        share: train([made], replace(RECIPE, start=share), silent) @ rotation(4).T
        for share in (0.0, 0.5, 1.0)
    }
    assert 1e-4 < np.abs(ends[0.0] - start).max() < 1e-2
    np.testing.assert_allclose(ends[1.0], start, atol=1e-6)
    np.testing.assert_allclose(ends[0.5], (start + ends[0.0]) / 2, atol=1e-6)


def test_the_file_says_how_it_was_made_and_has_the_same_bytes_again(tmp_path: Path) -> None:
    weights = np.eye(3, 2, dtype=np.float32)
    for name in ("a", "b"):
        write_head(tmp_path / "new" / name, weights, {"z": 1, "recipe": {"seed": 0}})
    assert (tmp_path / "new" / "a").read_bytes() == (tmp_path / "new" / "b").read_bytes()
    with safe_open(tmp_path / "new" / "a", "np") as file:
        assert np.array_equal(file.get_tensor("weights"), weights)
        assert json.loads(file.metadata()["made"]) == {"recipe": {"seed": 0}, "z": 1}
