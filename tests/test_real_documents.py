"""Files of several formats in one folder answer questions, each cited to its place."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest

from rag.answering.answer import ask
from rag.documents.questions import faq_pairs
from rag.encoders.open import open_encoder
from rag.index.snapshot import Snapshot
from rag.types import Citation
from support.builds import build_snapshot
from support.letter_encoder import Counting, LetterEncoder
from support.pdf_files import pdf, text

ENCODER = open_encoder("bundled", "onnx", 2)
PAGE = b"""<!doctype html><title>Tea</title><h1>Tea</h1>
<h2 id="green">Green tea</h2><p>Steep green tea for two minutes at eighty degrees.</p>
<h2 id="black">Black tea</h2><p>Steep black tea for four minutes in boiling water.</p>
<h2>FAQ</h2><details><summary>Does tea go bad?</summary>It keeps for two years.</details>"""
SHEET = b"""Tariff,Price\nLetter within the country,0.95\nParcel to Norway,17.49\n"""
QUESTIONS = b"id,Question,Answer\n1,Can I return a lamp?,Within thirty days.\n"


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Handbook", 0)
    document.add_heading("Holidays", 1)
    document.add_paragraph("Each employee has thirty days of paid holiday a year.")
    document.add_heading("Sick leave", 1)
    document.add_paragraph("Call the office before nine o'clock on the first day.")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


MANUAL = [
    ["The pump starts if the lever is pushed down.", "It stops by itself after an hour."],
    ["Clean the filter once a month with warm water.", "A dirty filter makes the pump loud."],
    ["The guarantee covers the motor for ten years.", "It ends if the seal is broken."],
]


def write_all(folder: Path) -> None:
    (folder / "manual.pdf").write_bytes(pdf(*[text(*lines) for lines in MANUAL]))
    (folder / "handbook.docx").write_bytes(word())
    (folder / "tea.html").write_bytes(PAGE)
    (folder / "post.csv").write_bytes(SHEET)
    (folder / "shop.csv").write_bytes(QUESTIONS)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("files")
    write_all(folder)
    return build_snapshot([folder], ENCODER)


def cited(snapshot: Snapshot, question: str) -> Citation:
    return ask(snapshot, ENCODER, question, top_k=1).passages[0].citation


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("How does the pump start?", 1),
        ("How often should the filter be cleaned?", 2),
        ("How long is the guarantee on the motor?", 3),
    ],
)
def test_a_pdf_is_cited_with_the_page_of_the_answer(
    snapshot: Snapshot, question: str, page: int
) -> None:
    citation = cited(snapshot, question)
    assert (citation.document_id, citation.page, citation.place) == ("manual.pdf", page, None)


def test_a_word_file_is_cited_with_its_heading(snapshot: Snapshot) -> None:
    citation = cited(snapshot, "How many days of holiday are there?")
    assert (citation.document_id, citation.heading_path) == ("handbook.docx", ("Holidays",))
    assert (citation.page, citation.place) == (None, None)


def test_a_web_page_is_cited_with_heading_and_anchor(snapshot: Snapshot) -> None:
    citation = cited(snapshot, "How long does black tea steep?")
    assert citation.heading_path == ("Black tea",)
    assert citation.place is not None and citation.place.name == "#black"


def test_a_sheet_is_cited_with_its_row(snapshot: Snapshot) -> None:
    citation = cited(snapshot, "What does a parcel to Norway cost?")
    assert citation.document_id == "post.csv"
    assert citation.place is not None
    assert (citation.place.kind, citation.place.number) == ("row", 3)


def test_the_questions_of_pages_and_sheets_are_faq_pairs(snapshot: Snapshot) -> None:
    pairs = faq_pairs(snapshot.documents, snapshot.sections.values())
    assert sorted(pair.question for pair in pairs) == ["Can I return a lamp?", "Does tea go bad?"]


def test_a_changed_page_is_encoded_alone_and_gives_what_a_clean_build_gives(tmp_path: Path) -> None:
    write_all(tmp_path)
    before = build_snapshot([tmp_path], LetterEncoder())
    changed = [*MANUAL[:2], ["The guarantee covers the motor for two years.", MANUAL[2][1]]]
    (tmp_path / "manual.pdf").write_bytes(pdf(*[text(*lines) for lines in changed]))
    counting = Counting()
    after = build_snapshot([tmp_path], counting, previous=before)
    assert all("guarantee" in passage for _, passage in counting.seen)
    clean = build_snapshot([tmp_path], LetterEncoder())
    assert after.manifest == clean.manifest
    for name, content in clean.content.items():
        assert bytes(after.content[name]) == bytes(content), name


def test_every_passage_is_cut_out_of_its_document(snapshot: Snapshot) -> None:
    for passage in snapshot.passages:
        document = snapshot.documents[passage.document_id]
        assert document.text[passage.start : passage.end] == passage.text
