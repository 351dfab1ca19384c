"""Answer coverage and the instrument's own words, by hand."""

import random

from eval.measures.coverage import Coverage, answer_coverage, common_words
from eval.words import content, plain, sentences, words


def _slow_common(a: list[str], b: list[str]) -> int:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
            )
    return table[-1][-1]


def test_common_words_equal_the_textbook_table() -> None:
    generator = random.Random(3)
    for _ in range(300):
        a, b = (generator.choices("abcd", k=generator.randint(0, 90)) for _ in range(2))
        assert common_words(a, b) == _slow_common(a, b)


def test_a_passage_that_holds_the_answer_covers_it() -> None:
    assert answer_coverage("One dose is given.", ["First. One dose is given. Last."]) == Coverage(
        1, 1
    )


def test_each_sentence_counts_by_its_best_passage() -> None:
    """Of 4 + 2 words 2 are found in order, "one dose"; of two claims neither is supported."""
    found = answer_coverage("One single weekly dose. Zebras graze.", ["One dose.", "None."])
    assert (found.rouge_l, found.supported) == (2 / 6, 0.0)


def test_a_claim_is_supported_by_three_fifths_of_its_words_in_one_passage() -> None:
    claim = "Leukapheresis collects healthy patients cells."
    enough = answer_coverage(claim, ["cells, patients and leukapheresis"])
    spread = answer_coverage(claim, ["cells and patients", "leukapheresis"])
    assert (enough.supported, spread.supported) == (1.0, 0.0)


def test_nothing_returned_and_nothing_to_find_cover_0() -> None:
    assert answer_coverage("An answer.", []) == Coverage(0.0, 0.0)
    assert answer_coverage("...", ["An answer."]) == Coverage(0.0, 0.0)
    assert answer_coverage("Yes, it is.", ["Yes, it is."]) == Coverage(1.0, 0.0)


def test_words_are_cut_folded_and_rid_of_function_words() -> None:
    assert words("The T\u00adCells, 85% of “them”!") == ["the", "t", "cells", "85", "of", "them"]
    assert content("The treatment treated them") == {"treatm", "treate"}
    assert plain("What IS it?") == plain("what is  it")


def test_sentences_end_at_stops_and_lines() -> None:
    text = 'He said "yes." Then\n- one\n- two\n\n85.5% did. --- '
    assert sentences(text) == ['He said "yes.', "Then", "- one", "- two", "85.5% did."]
