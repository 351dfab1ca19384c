"""What is said about skipped files: by name as long as they are few, else by count."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.documents.parse import parse
from rag.documents.skipped import (
    Skipped,
    Skips,
    hidden_lines,
    refused,
    shown,
    skip_lines,
    skipped_json,
)
from rag.errors import CorpusError

TYPE = "only files of type .md are read; convert it or remove it"


def skipped(*names: str, reason: str = TYPE, is_unread_type: bool = True) -> list[Skipped]:
    skips = Skips(strict=False)
    for name in names:
        skips.add(Path("in") / name, name, reason, is_unread_type)
    return skips.found


def test_few_files_are_named_with_their_reasons() -> None:
    files = [
        *skipped("todo.md", reason="the file is empty", is_unread_type=False),
        *skipped("logo.png", "a/b.PDF"),
    ]
    assert skip_lines(files) == [
        "skipped todo.md: the file is empty",
        f"skipped logo.png, a/b.PDF: {TYPE}",
    ]


def test_many_files_are_counted() -> None:
    types = skipped(*(f"{n}.png" for n in range(9)), "a.docx", "README")
    empty = skipped(*(f"{n}.md" for n in range(12)), reason="empty", is_unread_type=False)
    lines = skip_lines([*types, *empty])
    assert lines[:10] == [f"skipped {n}.md: empty" for n in range(10)]
    assert lines[10:] == [
        "skipped 2 files more: .md 2",
        "skipped 11 files of other types: .png 9, .docx 1, no type 1",
    ]


def test_types_without_end_are_counted_in_one_line() -> None:
    (line,) = skip_lines(skipped(*(f"log.{n:02}" for n in range(30))))
    assert line.endswith(".00 1, .01 1, .02 1, .03 1, .04 1, .05 1, .06 1, .07 1, other types 22")


def test_nothing_skipped_is_nothing_said() -> None:
    assert skip_lines([]) == []
    assert skipped_json([]) == {"count": 0, "files": [], "notes": []}


def test_notes_are_no_skips_and_many_are_counted_by_kind() -> None:
    skips = Skips(strict=True)
    for n in range(12):
        skips.note(f"{n}.pdf", "hidden_text: 3 characters" if n % 2 else "running_heads: 2 lines")
    lines = skip_lines(skips.found)
    assert lines[0] == "note on 0.pdf: running_heads: 2 lines"
    assert lines[10:] == ["notes on 2 files more: hidden_text 1, running_heads 1"]
    made = skipped_json(skips.found)
    assert (made["count"], made["files"], len(made["notes"])) == (0, [], 12)


def test_programs_get_the_first_fifty_and_the_count() -> None:
    made = skipped_json(skipped(*(f"{n}.png" for n in range(60))))
    assert (made["count"], len(made["files"])) == (60, 50)
    assert made["files"][0] == {"id": "0.png", "reason": TYPE}


def test_a_refused_corpus_is_counted_by_type() -> None:
    names = [*(f"{n}.docx" for n in range(5)), *(f"{n}.pdf" for n in range(15))]
    assert refused(skipped(*names)) == "20 of 20 files were refused: .pdf 15, .docx 5"
    one = skipped("todo.md", reason="the file is empty", is_unread_type=False)
    assert refused(one) == "1 of 1 file was refused: .md 1 (todo.md: the file is empty)"


def test_names_are_printable_whatever_they_hold() -> None:
    (hostile,) = skipped("\x1b]0;evil\x07\n.p\x1b[2Jng")
    for said in (hostile.id, hostile.type, *skip_lines([hostile]), refused([hostile])):
        assert said.isprintable()
    assert shown("caf\u00e9 1.md") == "caf\u00e9 1.md"
    assert shown("\udcff.md").isascii()


def test_the_first_to_skip_is_an_error_if_that_is_wanted() -> None:
    with pytest.raises(CorpusError, match=r"^in/a\.png: only files of type \.md are read"):
        Skips(strict=True).add(Path("in/a.png"), "a.png", TYPE)


def test_what_is_hidden_is_named_with_its_lines_and_counted_beyond_ten_documents() -> None:
    text = "---\ntitle: A\n---\n\nb <!-- c\nd --> e\n\n![f](data:image/png;base64,AAAA)\n"
    (one,) = parse("a.md", text.encode()).documents
    (plain,) = parse("b.txt", b"b <!-- c -->").documents
    said = "lines 1-3 (front matter), lines 5-6 (comment), line 8 (encoded data)"
    assert hidden_lines([plain, one]) == [f"left out of a.md: {said}"]
    assert hidden_lines([one] * 12)[10:] == [
        "left out of 2 more documents: comment in 2, encoded data in 2, front matter in 2"
    ]
