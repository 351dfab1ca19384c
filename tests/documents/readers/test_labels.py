from rag.documents.readers.labels import LONGEST, shortened, without_marks
from rag.documents.readers.markdown import markdown_blocks
from rag.documents.readers.plain_text import plain_blocks
from rag.documents.sections import sections_of
from rag.types import Document, ParsedDocument


def test_a_label_that_fits_is_only_put_on_one_line() -> None:
    assert shortened(" a\n b  c ") == "a b c"
    assert shortened("x" * LONGEST) == "x" * LONGEST


def test_a_long_label_is_cut_between_words_and_says_so() -> None:
    label = shortened("word " * 100)
    assert len(label) <= LONGEST
    assert label == "word " * 59 + "word…"


def test_a_long_word_is_cut_inside() -> None:
    assert shortened("a " + "x" * 1000) == "a " + "x" * (LONGEST - 3) + "…"


def test_a_long_question_stays_a_question() -> None:
    assert shortened("x" * 1000 + "?") == "x" * (LONGEST - 2) + "…?"


def test_marks_of_joined_files_end_lines_and_move_nothing() -> None:
    assert without_marks("a\ufeff# b") == "a\n# b"


def test_no_path_or_title_repeats_a_long_heading() -> None:
    heading = "A long heading " * 70_000
    for title, blocks in (
        markdown_blocks(f"# {heading}\n\n## {heading}\n\ntext")[:2],
        markdown_blocks(f"---\ntitle: {heading}\n---\n# A\n\nb\n\n# {heading}\n\ntext")[:2],
        markdown_blocks(f"Q: {heading}?\n\nA: b")[:2],
        ("", plain_blocks(f"{heading}\n{'=' * len(heading.strip())}\n\ntext")),
        ("", plain_blocks(f"Q: {heading}?\nA: b")),
    ):
        document = Document("d", title, "d", "text/plain", " " * 5_000_000, "s", "r")
        section = sections_of(ParsedDocument(document, blocks))[-1]
        assert len(title) <= LONGEST
        assert [len(part) <= LONGEST for part in section.heading_path] == [True]


def test_a_cut_heading_keeps_the_id_of_its_section() -> None:
    blocks = markdown_blocks(f"# {'ab ' * 5000}\n\ntext\n\n# B\n\ntext").blocks
    document = Document("d", "", "d", "text/plain", "", "s", "r")
    first, _ = sections_of(ParsedDocument(document, blocks))
    assert first.id == "d#" + ("ab-" * 40)[:80].strip("-")
