"""Saved citations through the file, the command and the route."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.answering.verify import SavedCitation
from rag.cli.main import main
from rag.schemas.citations import CitationModel
from rag.schemas.saved_citations import MAX_CITATIONS, SavedCitationModel, read_saved
from rag.types.errors import UsageError
from service import create_app
from support.word_count_service import GUIDE, serving_of

SHA = "0" * 64
PLACE = {"document_id": "a.md", "sha256": SHA, "char_start": 3, "char_end": 8}
CITATION = {
    **PLACE,
    "title": "A",
    "heading_path": ["B"],
    "line_start": 1,
    "line_end": 1,
    "page": None,
    "url": "/?document=a.md#c3-8",
}
BOXES = {"page": 2, "width": 595.3, "height": 841.9, "lines": [[72.0, 90.5, 300.1, 102.5]]}
PASSAGE = {"rank": 1, "passage_id": "p", "text": "Quote", "score": 0.5, "citation": CITATION}
ANSWER = {"question": "?", "abstained": False, "passages": [PASSAGE, PASSAGE], "index": {}}
SAVED = SavedCitation("a.md", SHA, 3, 8, "Quote")


def read(*values: Any, indent: int | None = None) -> list[SavedCitation]:
    return read_saved("\n".join(json.dumps(v, indent=indent) for v in values).encode(), "f.json")


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([ANSWER], 2),
        ([ANSWER, ANSWER], 4),
        ([[ANSWER, ANSWER]], 4),
        ([PASSAGE], 1),
        ([[PASSAGE, ANSWER, {**CITATION, "quote": "Quote"}]], 4),
        ([{**PLACE, "text": "Quote"}], 1),
        ([{**PASSAGE, "citation": {**CITATION, "boxes": [BOXES]}}], 1),
        ([{**PASSAGE, "citation": {**CITATION, "quote": "Quote"}}], 1),
    ],
)
def test_answers_passages_and_citations_are_read(values: list[Any], count: int) -> None:
    assert read(*values) == read(*values, indent=2) == [SAVED] * count


def test_a_citation_may_come_without_its_quote() -> None:
    assert read(CITATION) == [SavedCitation("a.md", SHA, 3, 8, None)]


def test_an_answer_without_passages_adds_none() -> None:
    assert read({"passages": []}, PASSAGE) == [SAVED]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.json: no citation in it; save answers by `rag ask --json`"),
        (b'{"passages": []}', "f.json: no citation in it"),
        (b"\n{]", "f.json:2: not JSON (Expecting property name"),
        (b"NaN", "f.json:1: "),
        (b"[" * 100_000, "f.json:1: not JSON that an answer could be"),
        (b"caf\xe9", "f.json: byte 3 is not UTF-8"),
        (b'"text"', "f.json:1: Input should be a valid dictionary"),
        (b"{}", "f.json:1: document_id: Field required"),
        (b'{"passages": [1]}', "f.json:1: passages[0]: Input should be a valid dictionary"),
    ],
)
def test_what_is_no_citation_is_refused_by_file_and_line(content: bytes, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_saved(content, "f.json")
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"char_start": -1}, "char_start: Input should be greater than or equal to 0"),
        ({"char_start": True}, "char_start: Input should be a valid integer"),
        ({"char_end": 2.0}, "char_end: Input should be a valid integer"),
        ({"char_end": 3}, "char_end must be greater than char_start"),
        ({"char_end": 2**60}, "char_end: Input should be less than or equal to 9007199254740991"),
        ({"sha256": "0" * 63}, "sha256: String should match pattern"),
        ({"document_id": ""}, "document_id: String should have at least 1 character"),
        ({"quote": ""}, "quote: String should have at least 1 character"),
        ({"quote": "a\ud800"}, "quote: Input should be a valid string, unable to parse"),
        ({"quote": "a", "text": "a"}, "text is another name for quote: give one of them"),
        ({"qoute": "a"}, "qoute: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(PASSAGE, [PASSAGE, {**PLACE, **change}])
    assert message in str(refusal.value)
    assert str(refusal.value).startswith("f.json:2: [1]")


def test_a_wrong_field_in_a_passage_is_named_with_its_place() -> None:
    wrong = {**PASSAGE, "citation": {**CITATION, "char_start": "3"}}
    with pytest.raises(UsageError, match=r"^f\.json:1: passages\[1\]\.citation\.char_start: Input"):
        read({"passages": [PASSAGE, wrong]})


def test_a_passage_and_its_citation_must_quote_the_same() -> None:
    with pytest.raises(UsageError, match="the passage's text is not what its citation quotes"):
        read({**PASSAGE, "citation": {**CITATION, "quote": "Other"}})


def test_whatever_an_answer_says_of_a_citation_is_accepted() -> None:
    given = {*CitationModel.model_fields, *CitationModel.model_computed_fields}
    assert given <= set(SavedCitationModel.model_fields)


# ---- POST /verify

client = TestClient(create_app(serving_of({"guide.md": GUIDE})), base_url="http://localhost")


def verified(*citations: Any) -> Any:
    return client.post("/verify", json={"citations": citations})


def answered() -> Any:
    return client.post("/ask", json={"question": "children free", "top_k": 2}).json()["passages"]


def test_the_passages_of_an_answer_are_valid_as_they_come() -> None:
    passages = answered()
    body = verified(*passages).json()
    assert [result["status"] for result in body["results"]] == ["valid", "valid"]
    assert [result["citation"] for result in body["results"]] == [p["citation"] for p in passages]
    assert body["index"] == client.get("/readyz").json()["index"]


def test_a_citation_that_was_moved_changed_or_lost_gets_its_verdict() -> None:
    place, text = answered()[0]["citation"], answered()[0]["text"]
    moved = {**place, "char_start": 0, "char_end": len(text), "quote": text}
    changed = {**place, "text": text.replace("3", "5")}
    gone = {**moved, "document_id": "lost.md", "quote": "Nowhere."}
    results = verified(moved, changed, gone).json()["results"]
    assert [result["status"] for result in results] == ["moved", "changed", "gone"]
    assert results[0]["citation"] == place
    assert results[1]["closest"] == place
    assert {"kind": "removed", "text": "5 "} in results[1]["diff"]
    assert results[2] == {
        "status": "gone",
        "detail": "the document is gone, and the quote is in no other",
        "citation": None,
        "places": 0,
        "closest": None,
        "diff": [],
    }


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"citations": []}, "invalid_request", "citations: "),
        ({"citations": [PASSAGE] * (MAX_CITATIONS + 1)}, "invalid_request", "citations: "),
        (
            {"citations": [{**PLACE, "qoute": "secret"}]},
            "unknown_field",
            "known are boxes, char_end, ",
        ),
        ({"citations": [{**PLACE, "char_start": "secret"}]}, "invalid_request", "char_start: "),
        ({"citations": [{**PLACE, "quote": "a", "text": "a"}]}, "ambiguous_field", "another name"),
        ({"citations": ["secret"]}, "invalid_request", "citations[0]: "),
        ({"citations": None}, "invalid_request", "citations: "),
        ({}, "invalid_request", "citations: field required"),
    ],
)
def test_a_wrong_request_is_refused_without_an_echo(body: Any, code: str, detail: str) -> None:
    response = client.post("/verify", json=body)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, code)
    assert detail in problem["detail"]
    assert "secret" not in response.text


def test_bodies_up_to_512_kb_are_read() -> None:
    assert verified({**PLACE, "quote": "x" * 510_000}).status_code == 200
    assert verified({**PLACE, "quote": "x" * 530_000}).status_code == 413
    assert client.post("/ask", json={"question": "x" * 17_000}).status_code == 413


def test_without_an_index_nothing_can_be_checked() -> None:
    with TestClient(create_app(), base_url="http://localhost") as empty:
        assert empty.post("/verify", json={"citations": [PASSAGE]}).status_code == 503


# ---- rag verify


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


OLD = "# Fares\n\nChildren travel free.\n\n## Refunds\n\nReturns take 30 days.\n"
NEW = "# Fares\n\nSince May, children pay.\n\n## Refunds\n\nReturns take 90 days.\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "old.md").write_text(OLD)
    (folder / "corpus" / "new.md").write_text(NEW)
    assert run("build", str(folder / "corpus"), "--index", str(folder / "index")) == 0
    return folder / "index"


def cited(id: str, quote: str, start: int) -> dict[str, Any]:
    place = {"document_id": id, "sha256": SHA, "char_start": start, "char_end": start + len(quote)}
    return {**place, "quote": quote}


def test_a_file_of_valid_answers_exits_with_0(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for question in ("How long do returns take?", "Do children travel free?"):
        run("ask", question, "--json", "--index", str(index))
    (tmp_path / "answers.json").write_text(capsys.readouterr().out)
    assert run("verify", str(tmp_path / "answers.json"), "--index", str(index)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "valid    old.md:7 > Refunds" in lines
    assert lines[-1] == "8 citations: 8 valid, 0 moved, 0 changed, 0 gone"


def test_each_citation_gets_a_line_and_any_that_is_not_valid_exit_code_3(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quote = "Returns take 30 days."
    citations = [
        cited("old.md", quote, OLD.index(quote)),
        cited("old.md", quote, 0),
        cited("old.md", "re", 30),
        cited("new.md", quote, NEW.index("Returns")),
        cited("new.md", "Dogs ride for nothing.\x1b[2J", 9),
        cited("lost.md", "Dogs ride for nothing.", 9),
    ]
    (tmp_path / "saved.jsonl").write_text("\n".join(map(json.dumps, citations)))
    capsys.readouterr()
    assert run("verify", str(tmp_path / "saved.jsonl"), "--index", str(index)) == 3
    assert capsys.readouterr().out.splitlines() == [
        "valid    old.md:7 > Refunds",
        "moved    old.md[0:21] -> old.md:7 > Refunds",
        "moved    old.md[30:32] -> old.md:3 (nearest of 3 places)",
        "changed  new.md[47:68]: Returns take [-30-] {+90+} days.",
        "changed  new.md[9:35]: the quote is no more in the document, nor anything like it near",
        "gone     lost.md[9:31]: the document is gone, and the quote is in no other",
        "6 citations: 1 valid, 2 moved, 2 changed, 1 gone",
    ]


def test_as_json_the_command_says_what_the_route_says(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = json.dumps(cited("old.md", "Returns take 30 days.", 0)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    capsys.readouterr()
    assert run("verify", "-", "--json", "--index", str(index)) == 3
    body = json.loads(capsys.readouterr().out)
    assert [result["status"] for result in body["results"]] == ["moved"]
    assert body["results"][0]["citation"]["char_start"] == OLD.index("Returns")
    assert body["index"]["version"] == (index / "CURRENT").read_text().strip()


def test_a_file_that_is_missing_or_malformed_exits_with_2(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("verify", str(tmp_path / "none.json"), "--index", str(index)) == 2
    assert "none.json cannot be read (No such file or directory)" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text('{\n"passages": [}')
    assert run("verify", str(tmp_path / "bad.json"), "--index", str(index)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "bad.json:2: not JSON (Expecting value); save answers by `rag ask --json`" in err


def test_without_an_index_the_command_exits_with_5(tmp_path: Path) -> None:
    (tmp_path / "saved.json").write_text(json.dumps(PASSAGE))
    assert run("verify", str(tmp_path / "saved.json"), "--index", str(tmp_path / "none")) == 5
