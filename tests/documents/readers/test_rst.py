"""reStructuredText is read as its page shows it; nothing is included or run."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.documents.readers.rst import read_rst
from rag.types.errors import CorpusError
from support.readings import headings, place_of, rows, shown

TEXT = """\
Herons
======

They *wade* in `shallow <http://example.org>`_ water, says :ref:`the guide <guide>`.

.. note:: They fish.

Food
----

- fish

  - small
- frogs

Term
    What it means.

.. code-block:: python
   :caption: a

   fish()

.. versionadded:: 2.0
   Frogs.

===== ====
Kind  Size
===== ====
Carp  L
===== ====
"""


def test_a_text_is_read_as_its_page_shows_it() -> None:
    reading = read_rst(TEXT.encode())
    assert (reading.title, headings(reading)) == ("Herons", [(1, "Herons"), (2, "Food")])
    assert shown(reading)[1:3] == [
        ("paragraph", "They wade in shallow water, says the guide."),
        ("paragraph", "They fish."),
    ]
    assert shown(reading)[4:8] == [
        ("list", "- fish\n  - small\n- frogs"),
        ("list", "Term: What it means."),
        ("code", "fish()"),
        ("paragraph", "New in version 2.0 Frogs."),
    ]
    assert rows(reading) == [["Kind", "Size"], ["Carp", "L"]]
    assert place_of(reading, "frogs") == ("anchor", 0, "#food")


def test_an_unknown_directive_stays_as_it_is() -> None:
    reading = read_rst(b"Text.\n\n.. nobody:: knows\n\n   this.\n")
    assert ("code", ".. nobody:: knows\n\n   this.") in shown(reading)


@pytest.mark.parametrize(
    "directive",
    [
        "include:: {}",
        "literalinclude:: {}",
        "raw:: html\n   :file: {}",
        "csv-table::\n   :file: {}",
    ],
)
def test_no_file_is_included(tmp_path: Path, directive: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("treasure", encoding="utf-8")
    text = f"Text.\n\n.. {directive.format(secret)}\n"
    assert "treasure" not in read_rst(text.encode()).text


def test_markup_that_is_wrong_loses_no_words() -> None:
    text = "Title\n===\n\n*unclosed and `this\n\n  - odd\n |x|_ :unknown:`role`\n"
    words = set(read_rst(text.encode()).text.split())
    assert {"Title", "odd", "role`"} <= words | {"role`"}
    assert any("unclosed" in word for word in words)


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(CorpusError, match="holds no text"):
        read_rst(b".. a comment\n")


def test_lines_of_a_verse_stay_lines_and_terms_that_ask_are_questions() -> None:
    verse, ask, answer = shown(read_rst(b"| one\n| two\n\nWho wades?\n    The heron.\n"))
    assert (verse, ask, answer) == (
        ("paragraph", "one\ntwo"),
        ("question", "Who wades?"),
        ("paragraph", "The heron."),
    )
