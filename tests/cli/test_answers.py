"""Answers as a terminal, Markdown and JSON have them."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import rag
from rag.cli.answers import file_links, markdown_lines, show_answer
from rag.store import Sources
from rag.types import Answer
from support.letter_encoder import LetterEncoder, corpus

TEXT = "# Fruit\n\nBlue plums ripen.\r\nThey are *sweet*\x1b[2J."


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    folder = tmp_path_factory.mktemp("answers")
    docs = corpus(folder / "docs", fruit=TEXT)
    return rag.ask(rag.build(docs, folder / "i", encoder=LetterEncoder()), "blue plums ripen")


def shown(answer: Answer, colour: bool = False) -> str:
    console = Console(file=StringIO(), width=80, force_terminal=colour, color_system="standard")
    if not colour:
        console = Console(file=StringIO(), width=80)
    show_answer(answer, console, lambda id: None)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_controls_of_the_terminal_are_shown_as_codes(answer: Answer) -> None:
    assert "They are sweet\\x1b[2J." in shown(answer)
    assert "\x1b[2J" not in shown(answer, colour=True)
    assert "   > They are *sweet*\\x1b[2J." in list(markdown_lines(answer))


def test_sentences_are_marked_by_signs_only_without_colour(answer: Answer) -> None:
    assert "»Blue plums ripen.«\n" in shown(answer)
    assert "»" not in shown(answer, colour=True)
    assert "\x1b[1;32mBlue plums ripen." in shown(answer, colour=True)


def test_a_maybe_says_what_to_do(answer: Answer) -> None:
    answer = replace(answer, verdict="maybe")
    assert shown(answer).startswith("Maybe an answer (confidence ")
    assert "check the passages before you rely on it" in "\n".join(markdown_lines(answer))


def test_files_below_the_sources_have_addresses(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "c.md").write_text("c")
    (tmp_path / "d.md").write_text("d")
    link = file_links(Sources((str(tmp_path / "a b"), str(tmp_path / "d.md")), "with"))
    assert link("c.md") == f"file://{tmp_path}/a%20b/c.md"
    assert link("d.md") == f"file://{tmp_path}/d.md"
    assert link("../d.md") is None
    assert link("none.md") is None
    assert file_links(None)("c.md") is None
