from __future__ import annotations

from pathlib import Path

import pytest

from eval.studies.boxes import main
from support.pdf_files import pdf, text


def test_the_study_says_how_many_sentences_have_exact_boxes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "figs.pdf").write_bytes(pdf(text("Figs are brown."), text("Pears are green.")))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7")
    main(tmp_path)
    files, sentences = capsys.readouterr().out.splitlines()
    assert files.startswith("1 files, 2 pages, ")
    assert sentences == "2 of 2 sentences have exact boxes"
