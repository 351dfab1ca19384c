from __future__ import annotations

from itertools import pairwise

import pytest

from rag.documents.readers.tables import html_parts, html_tables, line_tables
from rag.types import Table


def header_and_rows(text: str, table: Table) -> tuple[str, list[str]]:
    bounds = [*table.rows, table.end]
    rows = [text[a:b].strip() for a, b in pairwise(bounds)]
    return text[table.start : table.header_end].strip(), rows


def test_a_table_in_html_has_its_first_row_as_header() -> None:
    row = "<tr><td>{}</td></tr>"
    text = f"a<TABLE><tr><th>Key</th></tr>\n\n{row.format(1)}{row.format(2)}</TABLE>b"
    (table,) = html_tables(text)
    assert header_and_rows(text, table) == (
        "<tr><th>Key</th></tr>",
        ["<tr><td>1</td></tr>", "<tr><td>2</td></tr>"],
    )
    inner = f"<table><tr><th>A</th></tr><tr><td>{text}</td></tr></table>"
    assert len(list(html_tables(inner))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "<table><tr><th>a</th><td>b</td></tr><tr><th>c</th><td>d</td></tr></table>",
        "<table><tr><td>a</td></tr><tr><td>b</td></tr></table>",
        "<table><tr><th>a</th></tr></table>",
        "<table></table></table>",
        "<table><tr><th>a</th></tr><tr>",
    ],
)
def test_a_table_without_a_row_of_headers_has_none(text: str) -> None:
    assert list(html_tables(text)) == []


def test_a_grid_has_the_rows_above_its_double_rule_as_header() -> None:
    text = "x\n+--+--+\n|a |b |\n+==+==+\n|1 |2 |\n|3 |4 |\n+--+--+\n|5 |6 |\n+--+--+\ny"
    (table,) = line_tables(text)
    header, rows = header_and_rows(text, table)
    assert header == "|a |b |"
    assert [row[:2] for row in rows] == ["|1", "|5"]


def test_columns_parted_by_tabs_are_a_table_if_only_the_rows_have_digits() -> None:
    text = "Key\tValue\na\t1\nb\t2\nc\t3"
    (table,) = line_tables(text)
    assert header_and_rows(text, table) == ("Key\tValue", ["a\t1", "b\t2", "c\t3"])
    assert list(line_tables(text.replace("Key", "1"))) == []
    assert list(line_tables("a\tb\nc\td\ne\tf\ng\th")) == []
    assert list(line_tables("Key\tValue\na\t1\nb\t2")) == []


def test_html_is_divided_at_rows_and_items() -> None:
    text = "<ul><li>a</li><LI class='x'>b</LI></ul>"
    assert [text[a:b] for a, b in html_parts(text, 0, len(text))] == [
        "<li>a</li>",
        "<LI class='x'>b</LI></ul>",
    ]
    assert html_parts("<b>a</b>", 0, 8) == ()
