"""Similarities of texts, outlines and tables, with values worked out by hand."""

from __future__ import annotations

import pytest

from eval.studies.tree_similarity import (
    heading_similarity,
    plain,
    table_similarity,
    text_similarity,
)


def test_letters_and_digits_alone_are_compared() -> None:
    assert plain("• The “ﬁrst”  item:\n| 2.5 |") == "The first item 2 5"


@pytest.mark.parametrize(
    ("a", "b", "similarity"),
    [
        ("", "", 1),
        ("heron", "", 0),
        ("heron", "heron", 1),
        ("abcd", "bd", 4 / 6),
        ("ab", "ba", 0.5),
    ],
)
def test_text_similarity_is_twice_the_common_letters_over_all(
    a: str, b: str, similarity: float
) -> None:
    assert text_similarity(a, b) == pytest.approx(similarity)
    assert text_similarity(b, a) == pytest.approx(similarity)


def test_a_table_without_one_of_its_two_rows_has_half_its_nodes() -> None:
    both = [["a", "b"], ["c", "d"]]
    assert table_similarity(both, both) == 1
    # One row and two cells of six nodes are missing.
    assert table_similarity(both, both[:1]) == pytest.approx(1 - 3 / 6)


def test_another_text_in_a_cell_costs_how_unlike_it_is() -> None:
    assert table_similarity([["abcd", "x"]], [["bd", "x"]]) == pytest.approx(1 - (2 / 6) / 3)


def test_a_heading_on_another_level_is_another_structure() -> None:
    outline = [(1, "Birds"), (2, "Herons"), (2, "Swans")]
    assert heading_similarity(outline, outline) == 1
    assert heading_similarity(outline, [(1, "Birds"), (3, "Herons"), (3, "Swans")]) == 1
    # Swans below Herons instead of beside: taken out and put in again.
    below = [(1, "Birds"), (2, "Herons"), (3, "Swans")]
    assert heading_similarity(outline, below) == pytest.approx(1 - 2 / 3)


def test_nothing_is_like_nothing() -> None:
    assert heading_similarity([], []) == table_similarity([], []) == 1
    assert heading_similarity([(1, "Birds")], []) == 0
