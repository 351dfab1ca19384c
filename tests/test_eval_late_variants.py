"""Other ways to score late interaction, worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from tiny_beir import Row, write_collection

from eval.late_variants import (
    CLS,
    PLAIN,
    POOLED,
    WAYS,
    Met,
    Text,
    by_idf,
    joined,
    plain,
    soft,
    thinned,
    windows,
    with_ways,
)
from eval.signals import Signals, kept_signals, read_pool
from rag.build import silent
from rag.head import HEADS, read_head
from rag.model_files import bundled_model
from rag.onnx_encoder import OnnxEncoder, open_onnx_encoder

ROWS: list[Row] = [
    ("Zoo", "p0", "Apes act all day.", "What do the apes do?", "apes"),
    ("Zoo", "p1", "Eels, old eels, eat.", "eels", "eels"),
]


def text(*words: str, more: list[float] | None = None) -> Text:
    vectors = np.eye(max(4, len(words)), dtype=np.float32)[: len(words)]
    extra = {} if more is None else {"more": np.array([more], np.float32)}
    return Text(vectors, words, extra)


def met(cosines: list[list[float]], asked: Text, stored: Text, idf: tuple[float, ...]) -> Met:
    return Met(np.array(cosines, np.float32), asked, stored, np.array(idf, np.float32))


TWO = met(
    [[0.5, 0.1, 0.2], [0.0, 0.4, 0.8]],
    text("the", "ape", more=[0, 0, 0, 1]),
    text("ape", ",", "the", more=[0, 0, 0, 1]),
    (0, 2),
)


def test_plainly_each_query_token_takes_its_best() -> None:
    assert plain(TWO) == pytest.approx(0.65)
    nothing = met([[], []], text("the", "ape"), text(), (0, 1))
    assert plain(nothing) == soft(nothing, 20) == by_idf(nothing) == 0


def test_a_very_sharp_soft_maximum_is_the_maximum_and_a_blunt_one_adds_up() -> None:
    assert soft(TWO, 2000) == pytest.approx(0.65, abs=1e-3)
    assert soft(TWO, 5) == pytest.approx(0.695, abs=1e-3)


def test_a_window_holds_tokens_that_stand_together() -> None:
    # Windows of two begin at the first and the second token: (0.5 + 0.4) / 2, (0.2 + 0.8) / 2.
    assert windows(TWO, 2) == pytest.approx(0.5)
    assert windows(TWO, 8) == pytest.approx(0.65)


def test_idf_weighs_the_query_tokens() -> None:
    assert by_idf(TWO) == pytest.approx(0.8)


def test_words_may_be_left_out_on_either_side() -> None:
    assert thinned(TWO, asked={"the"}) == pytest.approx(0.8)
    assert thinned(TWO, stored={"the"}) == pytest.approx((0.5 + 0.4) / 2)
    assert thinned(TWO, asked={"the", "ape"}) == pytest.approx(0.65)


def test_one_more_token_meets_all() -> None:
    # Of three query tokens two meet their like, and the one more its own.
    assert joined(TWO, "more") == pytest.approx(1)


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return open_onnx_encoder(bundled_model(), 1)


def test_every_way_scores_the_candidates_of_every_question(
    tmp_path: Path, encoder: OnnxEncoder
) -> None:
    pool = read_pool(write_collection(tmp_path / "tiny", rows=ROWS), encoder, tmp_path, silent)
    head = read_head(HEADS[encoder.sha256], encoder.dim).weights
    found: list[Signals] = kept_signals(pool, list(pool.queries), head, tmp_path)
    ways = with_ways(pool, found, head, encoder, tmp_path)
    assert list(ways) == list(WAYS)
    for served, again in zip(found, ways[PLAIN], strict=True):
        assert np.allclose(served.late, again.late, atol=0.02)
    # "What do the apes do?" without stop words and question mark.
    fewer = ways["query without stop words and punctuation"][0].late
    assert not np.allclose(fewer, ways["query without punctuation"][0].late)
    assert not np.allclose(ways[CLS][0].late, ways[POOLED][0].late)
    again = with_ways(pool, found, head, encoder, tmp_path)
    assert np.array_equal(again[CLS][0].late, ways[CLS][0].late)
