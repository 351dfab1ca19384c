"""A file that is made to bring its reader down costs itself alone, and the next one is read."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from rag.documents.sandbox import Bounds, Cage
from rag.errors import CorpusError
from support.hostile_files import HOSTILE

VERDICTS = {
    "cycle.pdf": "text_lost: pages 1, 2, 3",
    "count.pdf": "no_text: the file holds no text",
    "form.pdf": "no_text_layer: page 1 is without text",
    "outline.pdf": "no_text: the file holds no text",
    "deep.docx": "corrupt: ",
    "tables.docx": "no_text: the file holds no text",
    "laughs.docx": "corrupt: ",
    "styles.docx": "read",
    "paragraphs.docx": "parse_limit: the document has over 200000 paragraphs",
    "bomb.xlsx": "parse_limit: the file inflates to over 200 MB",
    "bomb.epub": "parse_limit: the file inflates to over 200 MB",
    "unclosed.html": "no_text: the file holds no text",
    "comments.html": "no_text: the file holds no text",
    "attributes.html": "read",
    "quotes.csv": "read",
    "nested.eml": "parse_limit: the file nests too deeply",
    "bullets.rst": "parse_limit: the file nests too deeply",
}


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage(Bounds(seconds=10)) as cage:
        yield cage


@pytest.mark.parametrize("name", VERDICTS)
def test_a_hostile_file_has_its_verdict_in_time(cage: Cage, name: str) -> None:
    raw = HOSTILE[name]()
    began = time.monotonic()
    try:
        verdict = "read" if cage.parse(name, raw).documents else "nothing"
    except CorpusError as error:
        verdict = str(error)
    assert verdict.startswith(VERDICTS[name])
    assert time.monotonic() - began < 30
    assert cage.parse("next.md", b"# Next").documents[0].document.title == "Next"
