from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from eval.studies.plain_english import english, foreign, main, rows

ENGLISH = "The library is open to all, and books that are not reserved may be kept for a month."
GERMAN = "Die Bibliothek ist für alle offen, Bücher darf man einen Monat lang behalten. " * 6


def write_messages(path: Path, messages: dict[str, str]) -> None:
    """A compiled catalog of messages, as gettext reads it: a header, two tables, the texts."""
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n", **messages}
    texts = [text.encode() for side in zip(*sorted(messages.items()), strict=True) for text in side]
    at, table = 28 + 16 * len(messages), b""
    for text in texts:
        table += struct.pack("<II", len(text), at)
        at += len(text) + 1
    head = struct.pack("<7I", 0x950412DE, 0, len(messages), 28, 28 + 8 * len(messages), 0, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(head + table + b"".join(text + b"\0" for text in texts))


def test_texts_of_each_side_are_counted_by_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "data" / "retrieval" / "library" / "corpus.jsonl"
    corpus.parent.mkdir(parents=True)
    corpus.write_text(json.dumps({"_id": "a", "text": ENGLISH}) + '\n{"_id": "b", "text": "A"}\n')
    write_messages(tmp_path / "de" / "LC_MESSAGES" / "a.mo", {"%s open": f"%s {GERMAN}"})
    write_messages(tmp_path / "en_GB" / "LC_MESSAGES" / "a.mo", {"closed": ENGLISH})
    assert list(foreign(tmp_path)) == [f" {GERMAN}"]
    found = {tuple(row[:2]): row[2:] for row in rows([[ENGLISH, GERMAN], [GERMAN], [ENGLISH]])}
    assert found["0.15", "6"] == [".500", "0", "1"]
    assert list(english(tmp_path / "data")) == [ENGLISH]
    main(tmp_path / "data", tmp_path)
    assert "1 texts in English, 1 in other languages, 4 mixed" in capsys.readouterr().out
