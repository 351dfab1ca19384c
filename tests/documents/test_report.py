"""What is said of files: by name as long as they are few, else by count."""

from __future__ import annotations

from pathlib import Path

from rag.documents.parse import parse
from rag.documents.report import file_report, refused, report_json, report_lines
from rag.documents.skipped import Skips, remarks_of
from rag.types import FileReport

TYPE = "unsupported: only files of type .md are read; convert it or remove it"
EMPTY = "empty: the file is empty"


def skipped(*names: str, reason: str = TYPE) -> list[FileReport]:
    skips = Skips(strict=False)
    for name in names:
        skips.add(Path("in") / name, name, reason)
    return skips.found


def noted(name: str, note: str) -> FileReport:
    return FileReport(name, documents=1, remarks=tuple(remarks_of(note)))


def test_verdicts_are_counted_and_files_with_one_reason_share_a_line() -> None:
    files = [*skipped("todo.md", reason=EMPTY), *skipped("logo.png", "a/b.PDF")]
    assert report_lines([FileReport("a.md", documents=1), *files]) == [
        "4 files: 1 indexed, 3 skipped (empty 1, unsupported 2)",
        f"skipped todo.md: {EMPTY}",
        f"skipped logo.png, a/b.PDF: {TYPE}",
    ]


def test_many_files_are_counted_by_type() -> None:
    types = skipped(*(f"{n}.png" for n in range(9)), "a.docx", "README")
    single = [skipped(f"{n}.md", reason=f"corrupt: {n}")[0] for n in range(12)]
    _, *lines = report_lines([*types, *single])
    assert lines[0] == f"skipped 11 files (.png 9, .docx 1, no type 1): {TYPE}"
    assert lines[1:10] == [f"skipped {n}.md: corrupt: {n}" for n in range(9)]
    assert lines[10:] == ["skipped 3 files more: .md 3"]


def test_types_without_end_are_counted_in_one_line() -> None:
    _, line = report_lines(skipped(*(f"log.{n:02}" for n in range(30))))
    assert ".00 1, .01 1, .02 1, .03 1, .04 1, .05 1, .06 1, .07 1, other types 22" in line


def test_of_files_that_are_plainly_indexed_nothing_is_said() -> None:
    files = [FileReport("a.md", documents=1)]
    assert report_lines(files) == []
    assert report_json(files) == {"verdicts": {"indexed": 1}, "files": []}


def test_notes_name_their_files_and_many_are_counted() -> None:
    lines = report_lines([noted(f"{n:02}.pdf", "hidden_text: 3") for n in range(12)])
    assert lines[0] == "12 files: 0 indexed, 12 indexed with warnings (hidden_text 12)"
    assert lines[1] == "note on 00.pdf: hidden_text: 3"
    assert lines[11:] == ["note on 2 files more: see `rag report`"]


def test_programs_get_the_first_fifty_and_the_counts() -> None:
    made = report_json(skipped(*(f"{n}.png" for n in range(60))))
    assert (made["verdicts"], len(made["files"])) == ({"skipped:unsupported": 60}, 50)
    first = {"id": "0.png", "verdict": "skipped:unsupported", "reasons": [TYPE]}
    assert made["files"][0] == first


def test_a_refused_corpus_is_counted_by_type() -> None:
    names = [*(f"{n}.docx" for n in range(5)), *(f"{n}.pdf" for n in range(15))]
    assert refused(skipped(*names)) == "20 of 20 files were refused: .pdf 15, .docx 5"
    one = skipped("todo.md", reason=EMPTY)
    assert refused(one) == f"1 of 1 file was refused: .md 1 (todo.md: {EMPTY})"


def test_lines_are_printable_whatever_names_hold() -> None:
    hostile = skipped("\x1b]0;evil\x07\n.p\x1b[2Jng")
    for said in (*report_lines(hostile), refused(hostile)):
        assert said.isprintable()


def test_front_matter_that_is_used_is_not_said_to_be_left_out() -> None:
    text = b"---\ntitle: A\nnotice: B\ndate: 2026-03-01\n---\n\nc\n"
    file = file_report("a.md", text, "", parse("a.md", text).documents, ())
    assert (file.left_out, report_lines([file])) == ((), [])


def test_what_is_hidden_is_named_with_its_lines_and_counted_beyond_ten_files() -> None:
    text = "---\ntags: A\n---\n\nb <!-- c\nd --> e\n\n![f](data:image/png;base64,AAAA)\n"
    files = [
        file_report(name, text.encode(), "", parse(name, text.encode()).documents, ())
        for name in ("b.txt", *(f"{n:02}.md" for n in range(11)))
    ]
    said = "lines 1-3 (front matter), lines 5-6 (comment), line 8 (encoded data)"
    plain, first, *_, last = report_lines(files)
    assert plain == "left out of b.txt: line 8 (encoded data)"
    assert (first, last) == (
        f"left out of 00.md: {said}",
        "left out of 2 files more: see `rag report`",
    )
