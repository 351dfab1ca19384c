"""The codes of reasons, and files that are skipped."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rag.documents.skipped import CODES, UNKNOWN, Skips, remarks_of, shown
from rag.types import FileReport, Remark
from rag.types.errors import CorpusError
from support.places import ROOT

TYPE = "unsupported: only files of type .md are read; convert it or remove it"


def test_a_reason_is_a_code_and_a_sentence() -> None:
    found = remarks_of("attachments: a.pdf; b is not read; no_text_layer: page 3", is_loss=True)
    assert found == [
        Remark("attachments", "a.pdf; b is not read", is_loss=True),
        Remark("no_text_layer", "page 3", is_loss=True),
    ]
    assert remarks_of("something: else") == [Remark(UNKNOWN, "something: else")]


def test_a_verdict_names_each_code_once() -> None:
    notes = (Remark("hidden_text", "3"), Remark("running_heads", "2"), Remark("hidden_text", "1"))
    assert FileReport("a.pdf", documents=1).verdict == "indexed"
    report = FileReport("a.pdf", documents=1, remarks=notes)
    assert report.verdict == "indexed_with_warning:hidden_text,running_heads"
    assert not report.has_loss
    assert FileReport("a.md", remarks=(Remark("empty", "", True),)).verdict == "skipped:empty"


def test_the_first_to_skip_is_an_error_if_that_is_wanted() -> None:
    with pytest.raises(CorpusError, match=r"^in/a\.png: unsupported: only files of type \.md"):
        Skips(strict=True).add(Path("in/a.png"), "a.png", TYPE)


def test_names_are_kept_as_they_are_if_json_can_hold_them() -> None:
    skips = Skips(strict=False)
    for name in ("caf\u00e9\n.png", "\udcff.png"):
        skips.add(Path(name), name, TYPE)
    assert [file.id for file in skips.found] == ["caf\u00e9\n.png", "\\xff.png"]
    assert shown("caf\u00e9 1.md") == "caf\u00e9 1.md"
    assert shown("\udcff.md").isascii()


def test_the_documented_codes_are_those_that_there_are() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", page, re.MULTILINE)
    assert dict(rows) == {code: meaning for code, meaning in CODES.items()}


def test_each_refusal_of_a_file_begins_with_a_code() -> None:
    """In the code of the readers, of what calls them, and of the child that they run in."""
    documents = ROOT / "rag" / "documents"
    own = [documents / f"{name}.py" for name in ("parse", "encodings", "formats", "sandbox")]
    # A line of a corpus.jsonl is reported by its file, as `bad_lines`.
    readers = [path for path in (documents / "readers").glob("*.py") if path.stem != "jsonl"]
    uncoded = [
        f"{path.name}:{line} {text}"
        for path in (*own, *readers)
        for line, text in refusals(path)
        if text.partition(":")[0] not in CODES
    ]
    assert uncoded == []


def refusals(path: Path) -> list[tuple[int, str]]:
    """The beginnings of the messages of CorpusErrors and notes, with their lines."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = ast.unparse(node.func)
            text = beginning(node.args[0])
            if name.endswith(("CorpusError", "notes.append", "left_out.append")) and text:
                found.append((node.lineno, text))
    return found


def beginning(message: ast.expr) -> str:
    """The text that a message begins with; "" if that is a value."""
    first = message.values[0] if isinstance(message, ast.JoinedStr) else message
    is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return str(first.value) if is_text else ""
