"""Pages that nest without end are read in time, and what nests as people write it is untouched."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from rag.documents.parse import parse
from rag.documents.readers.nesting import DEEPEST, flattened

LINES = {"div"}


def test_a_page_of_usual_depth_is_left_as_it_is() -> None:
    page = "<div><b>a</b></div>" * 1000
    assert flattened(page, LINES) == (page, 0)


def test_items_without_ends_do_not_nest() -> None:
    page = "<ul>" + "<li><p>a" * 2000 + "</ul>"
    assert flattened(page, LINES) == (page, 0)


def test_what_is_too_deep_becomes_lines() -> None:
    inside = "<div id=x><b>a</b></DIV><div>b</div>"
    page = "<i>" * DEEPEST + inside + "</i>" * DEEPEST + "<div>c</div>"
    flat, count = flattened(page, LINES)
    assert count == 3
    assert flat == page.replace(inside, "<br id=x><wbr>a</wbr></br><br>b</br>")


def test_an_end_closes_what_is_open_inside() -> None:
    page = "<div><b><i>a</div>" * 1000
    assert flattened(page, LINES) == (page, 0)


@pytest.mark.parametrize("start", ["<div>", "<b><p>", "<x-y>", "<ul><li>", "<option>", "<rt>"])
def test_a_deep_page_keeps_its_text_and_says_so(start: str) -> None:
    # In a process of its own, in which no line is counted for the coverage.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        text, codes, seconds = pool.apply(read, (start * 100_000 + "marker",))
    assert text.endswith("marker")
    assert codes == ["depth"]
    # Two seconds are promised of a processor that does nothing else.
    assert seconds < 8


def read(page: str) -> tuple[str, list[str], float]:
    """The text of a page, the codes of its notes, and the CPU seconds that it took."""
    began = time.process_time()
    file = parse("deep.html", page.encode())
    codes = [note.partition(":")[0] for note in file.notes]
    return file.documents[0].document.text, codes, time.process_time() - began
