from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.errors import CorpusError
from rag.readers import Source, find_sources, read_corpus, read_source

FAQ_PAGES = Path(__file__).parents[2] / "shared" / "data" / "faq_pages" / "docs"


def write(path: Path, content: str | bytes = "Text.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def ids(*paths: Path) -> list[str]:
    return [source.document_id for source in find_sources(paths)]


def test_a_folder_gives_its_files_sorted_without_dot_names(tmp_path: Path) -> None:
    for name in ["b.md", "a/z.txt", "a/b/c.md", "a.txt", ".hidden.md", ".git/x.md", "B.md"]:
        write(tmp_path / name)
    assert ids(tmp_path) == ["B.md", "a.txt", "b.md", "a/z.txt", "a/b/c.md"]


def test_a_file_has_its_name_as_id_and_is_taken_once(tmp_path: Path) -> None:
    file = write(tmp_path / "sub" / "a.md")
    assert find_sources([file, file]) == [Source(file.resolve(), "a.md")]
    assert ids(tmp_path, tmp_path / "sub", file) == ["sub/a.md"]


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    files = [write(tmp_path / name / "a.md") for name in ("x", "y")]
    with pytest.raises(
        CorpusError, match=r"x/a\.md and .*y/a\.md would both be the document a\.md"
    ):
        find_sources(files)


def test_missing_paths_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere: no such file or folder"):
        find_sources([tmp_path / "nowhere"])
    with pytest.raises(CorpusError, match="the folder holds no files"):
        find_sources([tmp_path])
    with pytest.raises(CorpusError, match="cannot be opened"):
        find_sources([tmp_path / ("x" * 300)])


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read everything; the tests of rights need somebody who may not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_closed_folders_and_files_are_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        file = write(Path(name) / "closed.md")
        file.chmod(0)
        folder = Path(name) / "closed"
        folder.mkdir(mode=0)
        with ordinary_user():
            with pytest.raises(CorpusError, match=r"closed\.md: cannot be opened .*rights"):
                read_source(Source(file, "closed.md"))
            with pytest.raises(CorpusError, match=r"closed: cannot be opened .*rights"):
                find_sources([folder])


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
        (b"abc\xe9", "byte 3 is not UTF-8; convert the file: iconv"),
        (b"\xef\xbb\xbfabc\xe9", "byte 6 is not UTF-8"),
        (b"\xff\xfeab\x00\xd8", "byte 4 is not UTF-16-LE"),
        (b"PK\x00", "holds NUL bytes"),
        (b"", "the file is empty"),
        (b" \r\n\t", "the file is empty"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = write(tmp_path / "a.md", content)
    with pytest.raises(CorpusError, match=f"{file}: {complaint}"):
        read_corpus([tmp_path])


def test_unknown_types_links_and_pipes_are_refused_or_skipped(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    write(tmp_path / "b.pdf")
    (tmp_path / "c.md").symlink_to(tmp_path / "a.md")
    os.mkfifo(tmp_path / "d.md")
    with pytest.raises(CorpusError, match=r"b\.pdf: .* only .*\.md.*--skip-unreadable"):
        read_corpus([tmp_path])
    corpus = read_corpus([tmp_path], skip_unreadable=True)
    assert [parsed.document.id for parsed in corpus.documents] == ["a.md"]
    assert [name for name, _ in corpus.skipped] == ["b.pdf", "c.md", "d.md"]
    assert "a link or device" in corpus.skipped[1][1] and "a link or device" in corpus.skipped[2][1]


def test_names_that_are_not_text_are_refused_on_one_line(tmp_path: Path) -> None:
    write(tmp_path / os.fsdecode(b"\xff\n.md"))
    with pytest.raises(CorpusError, match="the name is not UTF-8; rename") as caught:
        read_corpus([tmp_path])
    assert "\n" not in str(caught.value)


def test_a_corpus_without_documents_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.pdf")
    with pytest.raises(CorpusError, match="no document to read; add files of type"):
        read_corpus([tmp_path], skip_unreadable=True)


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


def test_one_id_twice_is_refused(tmp_path: Path) -> None:
    line = '{"_id": "1", "text": "a"}\n'
    write(tmp_path / "a.jsonl", line + "\n" + line)
    with pytest.raises(CorpusError, match=r"a\.jsonl:3: `_id` '1' stands on line 1 too"):
        read_corpus([tmp_path])
    write(tmp_path / "a.jsonl", line)
    write(tmp_path / "b.jsonl", line)
    with pytest.raises(CorpusError, match=r"a\.jsonl:1 and b\.jsonl:1 both hold a document 1;"):
        read_corpus([tmp_path])


@pytest.mark.skipif(not FAQ_PAGES.exists(), reason="the FAQ pages are not beside the checkout")
def test_every_pair_of_the_faq_pages_is_found() -> None:
    corpus = read_corpus([FAQ_PAGES])
    found = [b.label for parsed in corpus.documents for b in parsed.blocks if b.kind == "question"]
    lines = [line for file in FAQ_PAGES.glob("*.md") for line in file.read_text().split("\n")]
    assert len(corpus.documents) == 167
    assert len(found) == sum(line.startswith("### ") for line in lines) == 1424
