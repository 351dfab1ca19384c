from __future__ import annotations

from pathlib import Path

import pytest

from rag.answering.answer import ask
from rag.encoders.open import open_encoder
from rag.schemas.ask import AskResponse, ask_example
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder
from support.pdf_files import pdf, text
from support.places import ROOT


def plain(value: object) -> object:
    """The same, with numbers that may differ in their last digits between machines."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return pytest.approx(value, abs=1e-3) if isinstance(value, float) else value


def test_the_example_is_what_the_sample_corpus_answers_today() -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    snapshot = build_snapshot([ROOT / "corpus"], encoder)
    answer = ask(snapshot, encoder, ask_example()["question"], top_k=1)
    today = AskResponse.of(answer, snapshot, 0).model_dump(mode="json")
    example = {**ask_example(), "took_ms": 0, "index": today["index"]}
    assert today == plain(example), "make it again: see `ask_example`"
    assert ask_example()["index"]["model"] == today["index"]["model"]


def test_only_a_pdf_has_boxes_in_the_answer(tmp_path: Path) -> None:
    (tmp_path / "figs.pdf").write_bytes(pdf(text("Figs are brown.")))
    (tmp_path / "pears.txt").write_text("Pears are green.")
    snapshot = build_snapshot([tmp_path], LetterEncoder())
    for question, has_boxes in (("figs brown", True), ("pears green", False)):
        answer = ask(snapshot, LetterEncoder(), question, top_k=1)
        hit = AskResponse.of(answer, snapshot, 0).model_dump(mode="json")["passages"][0]
        assert ("boxes" in hit["citation"]) == has_boxes
        assert ["boxes" in span for span in hit["highlights"]] == [has_boxes]
