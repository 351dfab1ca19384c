"""Nothing that is read takes more time than by its length, or memory out of proportion.

The inputs are in `tests/linear.py`, which prints figures for 1 MB of each.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable

import pytest
from linear import SHAPES, WAYS, exponent, made, peak, seconds, times_an_article

SIZES = (10_000, 40_000)
# Below that a quadratic input of this size would already be found by its seconds.
QUICK = 0.15
STEEPEST = 1.2
TRIES = 5
# What a busy machine may add to the least of so many times; what is quadratic has 1.5 and more.
NOISE = 0.2


@pytest.mark.parametrize("name", SHAPES)
def test_time_grows_by_the_length(name: str) -> None:
    less, more = (made(SHAPES[name], size) for size in SIZES)
    steep = {
        way: found
        for way, read in WAYS.items()
        if (found := _growth(read, less, more)) > STEEPEST + NOISE
    }
    assert steep == {}


def _growth(read: Callable[[str], None], less: str, more: str) -> float:
    """The exponent of the least times of as many tries as it takes; 0 for what is quick."""
    read("a")
    slow, fast = seconds(read, more), seconds(read, less)
    for _ in range(TRIES):
        if slow < QUICK or exponent(fast, slow, 4) <= STEEPEST:
            break
        slow, fast = min(slow, seconds(read, more)), min(fast, seconds(read, less))
    return 0 if slow < QUICK else exponent(fast, slow, 4)


def test_a_reader_that_is_quadratic_is_found() -> None:
    def quadratic(text: str) -> None:
        for at in range(0, len(text), 5):
            text[at:].count("a")

    assert _growth(quadratic, "a" * 20_000, "a" * 80_000) > 1.5


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads a process's memory from /proc")
@pytest.mark.parametrize(
    ("name", "way", "size"),
    [
        ("stops without blanks", "text", 2_000_000),
        ("cells in a row", "Markdown", 1_000_000),
        ("blank lines", "text", 1_000_000),
        ("short paragraphs", "Markdown", 1_000_000),
        ("closing brackets", "text", 1_000_000),
    ],
)
def test_a_megabyte_takes_less_than_half_a_gigabyte(name: str, way: str, size: int) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(peak, (way, SHAPES[name], size)) < 500


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["brackets in many headings", "images in many headings", "numbered items in quotations"],
)
def test_a_megabyte_takes_some_times_as_long_as_articles(name: str) -> None:
    # Twice as long; without their bounds, headings of markup take 8 times as long and more. In a
    # process of its own, in which no line is counted for the coverage.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(times_an_article, ("Markdown", SHAPES[name], 1_000_000)) < 4
