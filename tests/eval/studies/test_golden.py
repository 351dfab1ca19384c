"""The notes of what people see, and how a reading is scored against them."""

from __future__ import annotations

import json
from pathlib import Path

from eval.studies.golden import GOLDEN, Golden, GoldenScores, goldens, scores
from eval.studies.views import View, view_of, view_of_html, view_of_markdown
from rag.documents.parse import parse

NOTE = Golden(
    file="birds.md",
    page=0,
    headings=((1, "Birds"), (2, "Herons")),
    table=(("Bird", "Count"), ("Heron", "3")),
    items=("Look up", "Look down"),
    text="Birds Herons",
    sentences=(),
)
MARKDOWN = "# Birds\n\n## Herons\n\n- Look up\n\n| Bird | Count |\n|---|---|\n| Heron | 3 |\n"


def test_there_are_notes_of_forty_documents_and_three_of_each_format_at_least() -> None:
    files = [note.file for note in goldens()]
    assert len(files) == len(set(files)) >= 40
    ends = [Path(file).suffix for file in files]
    few = {end: ends.count(end) for end in ends if ends.count(end) < 3}
    assert few == {".csv": 1}
    assert ends.count(".pdf") >= 18


def test_each_collection_of_the_notes_is_acknowledged() -> None:
    notice = (GOLDEN / "NOTICE.md").read_text(encoding="utf-8")
    for path in GOLDEN.glob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        assert f"`{told['file'].split('/')[0]}`" in notice
        assert told["licence"]


def test_all_readers_are_scored_alike() -> None:
    whole = GoldenScores(order=None, headings=1, table=1, items=0.5)
    own = view_of(parse("birds.md", MARKDOWN.encode()).documents[0])
    for view in (own, view_of_markdown(MARKDOWN)):
        found = scores(NOTE, view)
        assert GoldenScores(None, found.headings, found.table, found.items) == whole


def test_what_was_not_read_scores_nothing_and_what_was_not_noted_is_not_scored() -> None:
    assert scores(NOTE, None) == GoldenScores(order=0, headings=0, table=0, items=0)
    bare = Golden("birds.md", 0, (), (), (), "", ())
    assert scores(bare, view_of_markdown(MARKDOWN)) == GoldenScores(None, None, None, None)


def test_the_best_of_several_tables_counts() -> None:
    other = (("x", "y"),)
    view = View("", (), (other, NOTE.table), ())
    assert scores(NOTE, view).table == 1


def test_an_item_of_html_is_without_the_list_inside_of_it() -> None:
    view = view_of_html("<ul><li>Look <b>up</b><ul><li>Look down</li></ul></li></ul>")
    assert [item.split() for item in view.items] == [["Look", "up"], ["Look", "down"]]
