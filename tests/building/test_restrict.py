"""An index as somebody sees it who may see some of its documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.answering import ask
from rag.building.restrict import restricted
from rag.index.originals import ORIGINALS
from rag.index.snapshot import Snapshot
from support.builds import build_snapshot
from support.file_trees import write
from support.letter_encoder import LetterEncoder

ENCODER = LetterEncoder()
SEEN = ("guides/apples.md", "guides/bread.md")
HIDDEN = ("plans/bread.md", "z.md")


def text_of(name: str) -> str:
    return (
        f"# Title of {name}\n\n## Baking {name}\n\nApples and bread are blue. It costs "
        f"{len(name)} euros.\n\n## FAQ\n\n### What is {name}?\n\nIt is a kind of bread.\n"
    )


def built(folder: Path, names: tuple[str, ...]) -> Snapshot:
    for name in names:
        write(folder / name, text_of(name))
    return build_snapshot([folder], ENCODER)


def sees(id: str) -> bool:
    return id.startswith("guides/")


def test_it_is_the_index_of_these_documents_alone_bit_for_bit(tmp_path: Path) -> None:
    whole = built(tmp_path / "whole", SEEN + HIDDEN)
    alone = built(tmp_path / "alone", SEEN)
    found = restricted(whole, ENCODER, sees)
    for name in set(alone.content) - {ORIGINALS}:
        assert bytes(found.content[name]) == bytes(alone.content[name]), name
    for part in ("counts", "calibration", "corpus_sha256", "recipe", "model"):
        assert getattr(found.manifest, part) == getattr(alone.manifest, part)


def test_answers_are_those_of_that_index(tmp_path: Path) -> None:
    whole = built(tmp_path / "whole", SEEN + HIDDEN)
    alone = built(tmp_path / "alone", SEEN)
    found = restricted(whole, ENCODER, sees)
    for question in ("what is blue bread?", "baking z.md", "title of plans"):
        for mode in ("hybrid", "dense", "bm25"):
            assert ask(found, ENCODER, question, mode=mode) == ask(
                alone, ENCODER, question, mode=mode
            )


def test_seen_files_are_given_byte_for_byte_and_hidden_ones_are_not_there(tmp_path: Path) -> None:
    found = restricted(built(tmp_path, SEEN + HIDDEN), ENCODER, sees)
    for name in SEEN:
        document = found.document(name)
        assert document is not None
        file = found.file(document)
        assert file is not None
        assert b"".join(map(bytes, found.originals.pieces(file))) == text_of(name).encode()
    assert [file.id for file in found.files] == list(SEEN)
    assert [found.document(name) for name in HIDDEN] == [None, None]


def test_file_with_a_hidden_document_is_not_given(tmp_path: Path) -> None:
    lines = [{"_id": id, "title": id, "text": f"The {id} is blue."} for id in ("guides/a", "b")]
    write(tmp_path / "corpus.jsonl", "\n".join(map(json.dumps, lines)) + "\n")
    whole = build_snapshot([tmp_path / "corpus.jsonl"], ENCODER)
    assert list(whole.documents) == ["b", "guides/a"]
    found = restricted(whole, ENCODER, sees)
    document = found.document("guides/a")
    assert document is not None and found.file(document) is None
    assert list(found.files) == []


@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
def test_who_sees_nothing_finds_nothing(tmp_path: Path, mode: str) -> None:
    found = restricted(built(tmp_path, HIDDEN), ENCODER, sees)
    assert found.manifest.counts.documents == found.manifest.counts.passages == 0
    answer = ask(found, ENCODER, "what is bread?", mode=mode)  # type: ignore[arg-type]
    assert (answer.passages, answer.verdict) == ((), "not_found")
