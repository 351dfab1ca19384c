"""Damaged files cost themselves alone: a few here, ten thousand in `tests/torture/mutants.py`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from torture.mutants import mutants, run

from support.pdf_files import pdf, text
from support.zip_files import zipped

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
PARAGRAPHS = "".join(f"<w:p><w:r><w:t>Bee number {n}.</w:t></w:r></w:p>" for n in range(50))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound file of each of several formats."""
    words = " ".join(f"Bee number {n} flies." for n in range(200))
    document = f"<w:document {W}><w:body>{PARAGRAPHS}</w:body></w:document>"
    for name, content in {
        "a.txt": words.encode(),
        "a.md": f"# Bees\n\n- {words}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n".encode(),
        "a.html": f"<h1>Bees</h1><table><tr><td>{words}</table>".encode(),
        "a.csv": b"name,text\n" + b"bee,flies\n" * 100,
        "a.pdf": pdf(text("Bees fly.", "Over the hedge."), text("And back.")),
        "a.docx": zipped({"[Content_Types].xml": "", "word/document.xml": document}),
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_damaged_files_are_read_or_refused_in_time_and_nothing_else(folder: Path) -> None:
    found = run(islice(mutants(folder, seed=3), 60))
    assert sum(found.verdicts.values()) == 60
    assert (found.failed, found.escaped, found.slow) == ([], [], [])
    assert 0 < found.verdicts["read"] < 60


def test_a_seed_gives_the_same_mutants(folder: Path) -> None:
    first, again = (list(islice(mutants(folder, seed=1), 12)) for _ in range(2))
    assert first == again
    assert first != list(islice(mutants(folder, seed=2), 12))
