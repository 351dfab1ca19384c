from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from rag.documents.corpus import (
    LENIENT,
    Corpus,
    FileRead,
    Known,
    Read,
    ReadOptions,
    read_corpus,
    read_files,
    read_in_process,
)
from rag.documents.files import Source
from rag.documents.formats import SUFFIXES
from rag.documents.parse import Digests, ParsedFile, parse
from rag.documents.report import report_lines
from rag.documents.skipped import Skips
from rag.types import FileReport, LeftOut
from rag.types.errors import CorpusError, RagError
from support.file_trees import ordinary_user, write
from support.pdf_files import pdf, text
from support.places import ROOT

FAQ_PAGES = ROOT.parent / "shared" / "data" / "faq_pages" / "docs"
STRICT = ReadOptions(strict=True)
MAIL = """From: a@example.org
Subject: Tide
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

High water is at noon.
--b
Content-Type: image/png
Content-Disposition: attachment; filename="map.png"

--b--
"""


def held(corpus: Corpus) -> tuple[list[str], dict[str, str]]:
    """The ids of the documents, and of files that were not read whole, with the reasons."""
    lost = {file.id: said(file) for file in corpus.files if file.has_loss}
    return [d.document.id for d in corpus.documents], lost


def said(file: FileReport) -> str:
    return "; ".join(map(str, file.remarks))


def test_text_and_markdown_give_documents_with_digests(tmp_path: Path) -> None:
    raw = "\ufeffOne\r\n\u2028two\r".encode()
    write(tmp_path / "my-first_file.TXT", raw)
    write(tmp_path / "b.markdown", "# Title\n\ntext")
    text, markdown = (parsed.document for parsed in reversed(read_corpus([tmp_path]).documents))
    assert (text.id, text.title, text.media_type) == (
        *("my-first_file.TXT", "my first file", "text/plain"),
    )
    assert text.text == "One\r\n\u2028two\r" and text.source == text.id
    assert text.sha256 == hashlib.sha256(text.text.encode()).hexdigest()
    assert text.source_sha256 == hashlib.sha256(raw).hexdigest()
    assert (markdown.title, markdown.media_type) == ("Title", "text/markdown")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding_and_is_removed(tmp_path: Path, encoding: str) -> None:
    write(tmp_path / "a.md", "Ünï".encode(encoding))
    assert read_corpus([tmp_path]).documents[0].document.text == "Ünï"
    write(tmp_path / "a.md", b"\xfe\xff" + "Ünï".encode("utf-16-be"))
    assert read_corpus([tmp_path]).documents[0].document.text == "Ünï"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xe9\x01\x02\x03" * 20, "not_text: the file holds control characters"),
        (b"PK\x00", "not_text: the file holds NUL bytes"),
        (b"", "empty: the file is empty"),
        (b" \r\n\t", "no_text: the file holds only blanks"),
        (b"\xef\xbb\xbf", "no_text: the file holds only blanks"),
    ],
)
def test_what_is_no_text_is_skipped_or_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = write(tmp_path / "a.md", content)
    write(tmp_path / "b.md")
    ids, skipped = held(read_corpus([tmp_path]))
    assert ids == ["b.md"]
    assert skipped["a.md"].startswith(complaint)
    with pytest.raises(CorpusError, match=f"^{file}: {complaint}"):
        read_corpus([tmp_path], options=STRICT)


def test_a_guessed_encoding_is_noted_and_fails_no_strict_build(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "Straße".encode("cp1252"))
    corpus = read_corpus([tmp_path], options=STRICT)
    assert corpus.documents[0].document.text == "Straße"
    assert [file.verdict for file in corpus.files] == ["indexed_with_warning:encoding_guessed"]
    assert report_lines(corpus.files) == [
        "1 file: 0 indexed, 1 indexed with warnings (encoding_guessed 1)",
        "note on a.md: encoding_guessed: read as CP1252",
    ]


def test_unknown_types_and_pipes_are_skipped_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    write(tmp_path / "b.xyz")
    os.mkfifo(tmp_path / "d.md")
    corpus = read_corpus([tmp_path])
    assert held(corpus) == (
        ["a.md"],
        {
            "b.xyz": f"unsupported: only files of type {', '.join(SUFFIXES)} are read;"
            " convert it or remove it",
            "d.md": "not_regular: a pipe, device or link, not a file; put a file there",
        },
    )
    with pytest.raises(CorpusError, match=r"b\.xyz: unsupported: only files of type"):
        read_corpus([tmp_path], options=STRICT)


def test_a_file_over_the_limit_is_skipped_with_its_size(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    with write(tmp_path / "big.md").open("r+b") as sparse:
        sparse.truncate(1 << 40)
    assert held(read_corpus([tmp_path])) == (
        ["a.md"],
        {
            "big.md": "too_large: the file has 1048576.0 MB, more than the 256 MB of"
            " RAG_MAX_FILE_MB; split it or raise the setting"
        },
    )


def test_a_closed_file_is_skipped() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        write(Path(name) / "a.md")
        write(Path(name) / "closed.md").chmod(0)
        with ordinary_user():
            assert held(read_corpus([Path(name)])) == (
                ["a.md"],
                {"closed.md": "io_error: cannot be opened (Permission denied); check its rights"},
            )


def test_want_of_descriptors_is_not_taken_for_a_bad_file(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        # Finding the file takes two descriptors at a time, and it must be found first.
        with pytest.raises(RagError, match="Too many open files") as caught:
            read_corpus([tmp_path])
        assert not isinstance(caught.value, CorpusError)
    finally:
        for descriptor in taken:
            os.close(descriptor)


def test_names_that_are_not_text_are_skipped_on_one_line(tmp_path: Path) -> None:
    write(tmp_path / os.fsdecode(b"\xff\n.md"))
    write(tmp_path / "a.md")
    skipped, _ = read_corpus([tmp_path]).files
    assert skipped.verdict == "skipped:bad_name"
    assert skipped.id == "\\xff\n.md"
    with pytest.raises(CorpusError, match="bad_name: the name is not UTF-8; rename") as caught:
        read_corpus([tmp_path], options=STRICT)
    assert str(caught.value).isprintable()


def test_a_corpus_without_documents_is_refused_with_a_count(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.xyz"):
        write(tmp_path / name)
    with pytest.raises(
        CorpusError,
        match=r"3 of 3 files were refused: \.png 2, \.xyz 1; add files of type \.csv, ",
    ):
        read_corpus([tmp_path])


def test_editors_files_alone_are_no_documents(tmp_path: Path) -> None:
    write(tmp_path / "a.md~")
    with pytest.raises(CorpusError, match="the folder holds no files"):
        read_corpus([tmp_path])


def test_files_are_parsed_by_whoever_is_asked(tmp_path: Path) -> None:
    def parse_but_a(document_id: str, raw: bytes, known: Digests) -> ParsedFile:
        if document_id == "a.md":
            raise CorpusError("parse_limit: too much")
        return parse(document_id, raw, known)

    for name in ("a.md", "b.md"):
        write(tmp_path / name)

    def each(read: Read, sources: Iterable[Source]) -> Iterator[FileRead]:
        return (read(source, parse_but_a) for source in sources)

    assert held(read_corpus([tmp_path], options=ReadOptions(each))) == (
        ["b.md"],
        {"a.md": "parse_limit: too much"},
    )


def test_nothing_outside_the_allowed_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.md")
    write(tmp_path / "out" / "b.md")
    options = replace(LENIENT, within=(tmp_path / "in").resolve())
    assert held(read_corpus([tmp_path / "in"], options=options)) == (["a.md"], {})
    with pytest.raises(CorpusError, match="it lies outside"):
        read_corpus([tmp_path / "out"], options=options)


def test_documents_are_ordered_by_id(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", '{"_id": "z", "text": "a"}\n{"_id": "a", "text": "b"}')
    write(tmp_path / "m.md")
    assert [parsed.document.id for parsed in read_corpus([tmp_path]).documents] == [
        "a",
        "m.md",
        "z",
    ]


def test_lines_of_a_corpus_file_are_documents(tmp_path: Path) -> None:
    raw = '{"_id": "1", "title": "T", "text": "Title Line\\n\\nQ: a?\\nA: b."}\n{"_id": "2"}'
    file = write(tmp_path / "c.jsonl", raw)
    one, two = read_corpus([file]).documents
    assert (one.document.title, one.document.source) == ("T", "c.jsonl:1")
    line = raw.encode().split(b"\n")[0]
    assert one.document.source_sha256 == hashlib.sha256(line).hexdigest()
    assert {block.kind for block in one.blocks} == {"paragraph"}
    assert two.document.text == "" and two.blocks == ()


def test_a_line_that_is_no_document_costs_itself_alone(tmp_path: Path) -> None:
    raw = '{"_id": "1", "text": "a"}\n[]\n{"_id": "1", "text": "b"}\n{"_id": "2", "text": "c"}\n{'
    write(tmp_path / "a.jsonl", raw)
    ids, skipped = held(read_corpus([tmp_path]))
    assert ids == ["1", "2"]
    assert skipped == {
        "a.jsonl": 'bad_lines: line 2: no JSON object; write one {"_id": "...", "title": "...",'
        ' "text": "..."} a line; 2 more lines are left out too'
    }
    with pytest.raises(CorpusError, match=r"a\.jsonl: bad_lines: line 2: no JSON object"):
        read_corpus([tmp_path], options=STRICT)


def test_a_corpus_file_without_a_document_is_skipped_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "log.jsonl", '{"level": "info"}\n' * 3)
    write(tmp_path / "empty.jsonl", "\n")
    write(tmp_path / "a.md")
    ids, skipped = held(read_corpus([tmp_path]))
    assert ids == ["a.md"]
    assert skipped["log.jsonl"].startswith("bad_lines: line 1: no `_id`")
    assert skipped["log.jsonl"].endswith("; 2 more lines are left out too")
    assert skipped["empty.jsonl"].startswith("empty: the file is empty")


def test_one_id_twice_is_taken_from_the_first(tmp_path: Path) -> None:
    line = '{"_id": "1", "text": "a"}\n'
    write(tmp_path / "a.jsonl", line + "\n" + line)
    (file,) = read_corpus([tmp_path]).files
    assert file.verdict == "indexed_with_warning:bad_lines"
    assert said(file) == "bad_lines: line 3: `_id` '1' stands on line 1 too; make it unique"
    write(tmp_path / "a.jsonl", line)
    write(tmp_path / "b.jsonl", line + '{"_id": "2", "text": "b"}')
    corpus = read_corpus([tmp_path])
    assert [d.document.source for d in corpus.documents] == ["a.jsonl:1", "b.jsonl:2"]
    assert held(corpus)[1] == {
        "b.jsonl": "duplicate: a.jsonl has a document 1 too; rename one, or build an index of each"
    }
    with pytest.raises(CorpusError, match=r"b\.jsonl: duplicate: a\.jsonl has a document 1 too"):
        read_corpus([tmp_path], options=STRICT)


def test_two_files_with_one_id_give_the_first_that_can_be_read(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name / "a.md", name) for name in ("x", "y"))
    corpus = read_corpus([first, second])
    assert corpus.documents[0].document.text == "x"
    assert [file.verdict for file in corpus.files] == ["indexed", "skipped:duplicate"]
    assert said(corpus.files[1]).startswith("duplicate: a file of this name has a document a.md")
    first.write_bytes(b"")
    corpus = read_corpus([first, second])
    assert corpus.documents[0].document.text == "y"
    assert [file.verdict for file in corpus.files] == ["indexed", "skipped:empty"]


def test_the_bytes_of_the_files_that_hold_documents_are_kept_in_order(tmp_path: Path) -> None:
    write(tmp_path / "z.md", "Last.")
    write(tmp_path / "b" / "a.md", "First.")
    write(tmp_path / "b" / "same.md", "First.")
    write(tmp_path / "b" / "empty.md", "")
    corpus = read_corpus([tmp_path])
    stored = [(file.id, file.size) for file in corpus.files if file.documents]
    assert stored == [("b/a.md", 6), ("b/same.md", 6), ("z.md", 5)]
    assert bytes(corpus.originals) == b"First.First.Last."


def test_the_bytes_are_the_same_in_whatever_order_the_paths_are_given(tmp_path: Path) -> None:
    one, two = write(tmp_path / "x" / "1.md", "One."), write(tmp_path / "y" / "2.md", "Two.")
    assert read_corpus([two, one]).originals == read_corpus([one, two]).originals == b"One.Two."


def test_a_report_counts_what_a_file_holds(tmp_path: Path) -> None:
    text = "<!-- not shown -->\n# A\n\nText.\n\n| n | m |\n|---|---|\n| 1 | 2 |\n"
    write(tmp_path / "a.md", text)
    write(tmp_path / "c.jsonl", '{"_id": "1", "text": "ab"}\n{"_id": "2", "text": "cd"}')
    guide, lines = read_corpus([tmp_path]).files
    assert (guide.media_type, guide.documents, guide.tables) == ("text/markdown", 1, 1)
    assert (guide.characters, guide.size) == (len(text), len(text))
    assert guide.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert guide.left_out == (LeftOut("comment", 1, 1),)
    assert (lines.media_type, lines.documents, lines.characters) == ("application/jsonl", 2, 4)


def test_what_was_said_of_a_file_is_said_again_if_it_has_not_changed(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "Straße".encode("cp1252"))
    write(tmp_path / "b.eml", MAIL)
    first = read_corpus([tmp_path])
    documents = {parsed.document.id: parsed.document for parsed in first.documents}
    known = Known(documents, {file.id: file for file in first.files})
    again = read_corpus([tmp_path], known)
    assert again.unchanged == {"a.md", "b.eml"} and again.files == first.files
    assert again.originals == first.originals
    with pytest.raises(CorpusError, match=r"b\.eml: attachments: "):
        read_corpus([tmp_path], known, STRICT)


@pytest.mark.skipif(not FAQ_PAGES.exists(), reason="the FAQ pages are not beside the checkout")
def test_every_pair_of_the_faq_pages_is_found() -> None:
    corpus = read_corpus([FAQ_PAGES])
    found = [b.label for parsed in corpus.documents for b in parsed.blocks if b.kind == "question"]
    lines = [line for file in FAQ_PAGES.glob("*.md") for line in file.read_text().split("\n")]
    assert len(corpus.documents) == 167
    assert len(found) == sum(line.startswith("### ") for line in lines) == 1424


def test_files_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path / f"{number:02}.md", "Ants.")
    opened: list[str] = []

    def counted(read: Read, sources: Iterable[Source]) -> Iterator[FileRead]:
        for each in read_in_process(read, sources):
            opened.append(each.source.document_id)
            yield each

    files = read_files([tmp_path], Skips(strict=False), options=ReadOptions(counted))
    assert next(files).source.document_id == "00.md"
    assert opened == ["00.md"]


def test_progress_tells_files_and_pages(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "Ants.")
    write(tmp_path / "b.pdf", pdf(text("One."), text("Two.")))
    write(tmp_path / "c.pdf", pdf(text("Three.")))
    heard: list[tuple[str, int, int]] = []
    read_corpus([tmp_path], options=ReadOptions(progress=lambda *told: heard.append(told)))
    assert heard == [
        ("files read", 1, 3),
        ("files read (2 pages)", 2, 3),
        ("files read (3 pages)", 3, 3),
    ]


def test_the_seconds_of_a_file_are_by_its_printable_name(tmp_path: Path) -> None:
    write(tmp_path / "a\nb.md", "Ants.")
    write(tmp_path / "c.md", "Bees.")
    corpus = read_corpus([tmp_path])
    assert list(corpus.seconds) == ["'a\\nb.md'", "c.md"]
    assert all(0 < seconds < 60 for seconds in corpus.seconds.values())
