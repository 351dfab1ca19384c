import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.edits import REACH, Edit, edits, most_alike
from rag.types import Span

words = st.text(st.sampled_from("ab \n.é细"), max_size=40)


def sides(found: tuple[Edit, ...]) -> tuple[str, str]:
    return (
        "".join(edit.text for edit in found if edit.kind != "added"),
        "".join(edit.text for edit in found if edit.kind != "removed"),
    )


@given(words, words)
def test_edits_lead_from_one_wording_to_the_other(old: str, new: str) -> None:
    assert sides(edits(old, new)) == (old, new)


@pytest.mark.parametrize("other", ["x {} ", "{} x x ", "x x "])
def test_words_that_repeat_are_compared_in_time(other: str) -> None:
    old = "".join(f"x {n} " for n in range(500))
    new = "".join(other.format(f"n{n}") for n in range(500))
    begun = time.process_time()
    assert sides(edits(old, new)) == (old, new)
    most_alike(new, old, 0)
    assert time.process_time() - begun < 1.0


def test_edits_are_told_word_by_word() -> None:
    assert edits("Returns take 30 days.", "Most returns take 30 working days.") == (
        Edit("removed", "Returns "),
        Edit("added", "Most returns "),
        Edit("same", "take 30 "),
        Edit("added", "working "),
        Edit("same", "days."),
    )
    assert edits("same", "same") == (Edit("same", "same"),)
    assert edits("", "") == ()


def test_in_scripts_without_spaces_edits_are_told_character_by_character() -> None:
    assert [edit.text for edit in edits("细胞很坏。", "细胞很好。")] == ["细胞很", "坏", "好", "。"]


@pytest.mark.timeout(10)
def test_long_texts_are_compared_at_their_ends_alone() -> None:
    chance = random.Random(1)
    old, new = (" ".join(chance.choices("ab", k=20_000)) for _ in range(2))
    found = edits(f"Head {old} tail", f"Head {new} tail")
    assert (found[0].kind, found[-1].kind) == ("same", "same")
    assert sides(found) == (f"Head {old} tail", f"Head {new} tail")


def alike(text: str, quote: str, near: int = 0) -> str | None:
    span = most_alike(text, quote, near)
    return None if span is None else text[span.char_start : span.char_end]


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("It takes 90 days, mostly.", "30 days", "90 days"),
        (
            "A. Children over six travel free. B.",
            "Children travel free.",
            "Children over six travel free.",
        ),
        ("He said: (never again). So.", "(Never once again).", "(never again)."),
        ("RED APPLES", "red apples!", "RED APPLES"),
        ("Something else altogether.", "Children travel free.", None),
        ("...", "Children travel free.", None),
        ("Children travel free.", "...", None),
        ("", "Children", None),
    ],
)
def test_what_is_most_alike_shares_most_words(text: str, quote: str, expected: str) -> None:
    assert alike(text, quote) == expected


def test_of_two_that_are_alike_the_nearer_is_taken() -> None:
    text = "90 days" + " and so on" * 10 + " 91 days"
    assert alike(text, "30 days") == "90 days"
    assert alike(text, "30 days", near=len(text)) == "91 days"


def test_nothing_is_looked_for_beyond_reach() -> None:
    text = "x " * REACH + "Children travel free today."
    assert alike(text, "Children travel free.") is None
    assert alike(text, "Children travel free.", near=2 * REACH) == "Children travel free"


def test_a_quote_too_long_to_align_gets_the_run_that_shares_most() -> None:
    quote = " ".join(f"w{n}" for n in range(600))
    text = f"Before. {quote.replace('w300', 'new')} After."
    assert most_alike(text, quote, 0) == Span(8, 8 + len(quote) - 1)


def test_words_with_marks_are_whole() -> None:
    assert edits("बाल है", "बोल है") == (
        Edit("removed", "बाल "),
        Edit("added", "बोल "),
        Edit("same", "है"),
    )
