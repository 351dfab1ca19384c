"""Text in parts becomes cited sentences."""

from __future__ import annotations

import pytest

from rag.serving.written_sentences import Cited, split_off


def in_parts(text: str, size: int) -> list[Cited]:
    """The sentences of a text that comes in parts of that size."""
    found: list[Cited] = []
    rest = ""
    for at in range(0, len(text), size):
        complete, rest = split_off(rest + text[at : at + size])
        found += complete
    return found + split_off(rest, ended=True)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Dogs ride free [1]. Cats pay [2][3].",
            [("Dogs ride free.", (1,)), ("Cats pay.", (2, 3))],
        ),
        (
            "Dogs ride free. [1] Cats pay. [2, 3]",
            [("Dogs ride free.", (1,)), ("Cats pay.", (2, 3))],
        ),
        ("Dogs ride free.[1][2] Cats.", [("Dogs ride free.", (1, 2)), ("Cats.", ())]),
        (
            "犬は無料です【1】。猫は有料です【2】。",
            [("犬は無料です。", (1,)), ("猫は有料です。", (2,))],
        ),
        ("- Dogs [1]\n- Cats [1]\n", [("- Dogs", (1,)), ("- Cats", (1,))]),
        ("It takes 2.5 hours [1]; [1] twice [1].", [("It takes 2.5 hours; twice.", (1,))]),
        ("[1]", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_sentence_has_the_citations_at_its_end(
    text: str, expected: list[tuple[str, tuple[int, ...]]], size: int
) -> None:
    assert [(each.text, each.numbers) for each in in_parts(text, size)] == expected


def test_a_sentence_is_complete_once_the_next_has_begun() -> None:
    assert split_off("Dogs ride free [1].") == ([], "Dogs ride free [1].")
    assert split_off("Dogs ride free. [1") == ([], "Dogs ride free. [1")
    complete, rest = split_off("Dogs ride free [1]. Cats")
    assert (complete, rest) == ([Cited("Dogs ride free.", (1,))], "Cats")
