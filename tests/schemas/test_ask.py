from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from rag.answering.answer import ask
from rag.encoders.open import open_encoder
from rag.schemas.ask import AskRequest, AskResponse, answer_json, ask_example, timed
from rag.types import Mode
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder
from support.memory import kept_blocks
from support.pdf_files import pdf, text
from support.places import ROOT


def plain(value: object) -> object:
    """The same, with numbers that another kind of processor may round otherwise, to 8 bits."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return pytest.approx(value, abs=0.03) if isinstance(value, float) else value


def test_the_example_is_what_the_sample_corpus_answers_today() -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    snapshot = build_snapshot([ROOT / "corpus"], encoder)
    answer = ask(snapshot, encoder, ask_example()["question"], top_k=1)
    today = json.loads(answer_json(answer, snapshot))
    example = {**ask_example(), "took_ms": 0, "index": today["index"]}
    assert today == plain(example), "make it again: see `ask_example`"
    assert ask_example()["index"]["model"] == today["index"]["model"]


def test_only_a_pdf_has_boxes_in_the_answer(tmp_path: Path) -> None:
    (tmp_path / "figs.pdf").write_bytes(pdf(text("Figs are brown.")))
    (tmp_path / "pears.txt").write_text("Pears are green.")
    snapshot = build_snapshot([tmp_path], LetterEncoder())
    for question, has_boxes in (("figs brown", True), ("pears green", False)):
        answer = ask(snapshot, LetterEncoder(), question, top_k=1)
        hit = json.loads(answer_json(answer, snapshot))["passages"][0]
        assert ("boxes" in hit["citation"]) == has_boxes
        assert ["boxes" in span for span in hit["highlights"]] == [has_boxes]


def test_an_answer_is_written_as_its_model_would_write_it(tmp_path: Path) -> None:
    (tmp_path / "figs.pdf").write_bytes(pdf(text("Figs are brown.")))
    (tmp_path / "odd.html").write_text(
        '<h1 id=top>Odd</h1><p>Pears \u0001 \u007f \u2028 \U0001f350 are <b>green</b>. "So\\.</p>'
    )
    (tmp_path / "rows.csv").write_text("fruit,colour\nplum,blue\nlime,green\n")
    snapshot = build_snapshot([tmp_path], LetterEncoder())
    for question in ("figs brown", "pears green so", "lime green", "7", "\u2028 \U0001f350 \t"):
        for mode in get_args(Mode):
            answer = ask(snapshot, LetterEncoder(), question, mode=mode, explained=mode != "bm25")
            written = answer_json(answer, snapshot, note="A note." if mode == "dense" else None)
            assert AskResponse.model_validate_json(written).model_dump_json().encode() == written


@pytest.mark.parametrize("took", [0.0, 0.0004, 1.25, 12.3456, 100000.0])
def test_the_time_taken_is_given_in_milliseconds_to_three_places(
    tmp_path: Path, took: float
) -> None:
    (tmp_path / "figs.txt").write_text("Figs are brown.")
    snapshot = build_snapshot([tmp_path], LetterEncoder())
    written = answer_json(ask(snapshot, LetterEncoder(), "figs"), snapshot)
    assert json.loads(timed(written, took)) == {**json.loads(written), "took_ms": round(took, 3)}


def test_nothing_is_kept_of_a_question_that_was_read() -> None:
    def read(number: int) -> None:
        AskRequest.model_validate({"question": f"who is {number}", "filters": {"section": "FAQ"}})

    assert kept_blocks(read, 100) < 0.1
