"""Columns of texts: where the characters and lines of each are."""

from __future__ import annotations

import random
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest

from rag.index.columns import BLOCK, Texts, pack, text_columns, text_kinds, unpack
from rag.index.document_table import Documents, pack_documents
from rag.types import Document
from support.letter_encoder import snapshot_of

LONG = "é" * (BLOCK // 3)
TEXTS = ["", "añb", "", "", LONG, LONG, "x", 3 * LONG, "日本", ""]


def texts_of(texts: list[str]) -> Texts:
    return Texts(unpack(pack(text_columns("t", texts)), text_kinds("t")), "t")


@pytest.mark.parametrize("texts", [TEXTS, [], [""], ["", ""], ["é"]])
def test_the_characters_of_all_texts_are_found_block_by_block(texts: list[str]) -> None:
    column, lengths, ends = texts_of(texts), [], []
    column.check("the texts", len(texts))
    for places, firsts in column.characters():
        lengths += np.diff(firsts).tolist()
        ends += places[firsts[1:]].tolist()
    assert lengths == [len(text) for text in texts]
    assert ends == column.starts[1:].tolist()


def test_raw_texts_are_those_in_utf8() -> None:
    assert texts_of(TEXTS).all_raw() == [text.encode() for text in TEXTS]


def test_a_text_that_is_not_utf8_is_refused_in_any_block() -> None:
    columns = unpack(pack(text_columns("t", [b"a" * BLOCK, b"a\xff"])), text_kinds("t"))
    with pytest.raises(ValueError, match="utf-8"):
        Texts(columns, "t").check("the texts", 2)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return snapshot_of(tmp_path_factory.mktemp("corpus"), a="Apples.").documents["a.md"]


def documents_of(document: Document, texts: list[str]) -> list[Document]:
    return [
        replace(document, id=f"{row:03}", text=text, sha256=sha256(text.encode()).hexdigest())
        for row, text in enumerate(texts)
    ]


def test_the_lines_of_all_documents_are_checked_as_they_were_found(document: Document) -> None:
    dice = random.Random(5)
    texts = ["".join(dice.choices("\r\né ", k=dice.randrange(5))) for _ in range(400)]
    ends = {a[-1:] + b[:1] for a, b in pairwise(texts)}
    assert {"\r\n", "\n\r", "\r"} <= ends
    Documents(pack_documents(documents_of(document, [*texts, "a\r", LONG, "\n", LONG]))).check()
