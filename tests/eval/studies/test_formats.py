"""The table of what is read, by format."""

from __future__ import annotations

from eval.studies.formats import FileReading, table
from rag.documents.parse import parse


def read(name: str, raw: bytes, seconds: float = 1.0) -> FileReading:
    return FileReading(name, parse(name, raw).documents, seconds, ())


def test_files_are_counted_by_format_with_what_was_said_of_them() -> None:
    lines = list(
        table(
            [
                read("a.md", b"# A\n\n## FAQ\n\n### Why?\n\nSo."),
                read("b.md", b"Text."),
                read("c.csv", b"a,b\n1,2\n"),
                FileReading("d.doc", (), 0.0, ("unsupported",)),
            ]
        )
    )
    assert lines[2:] == [
        "| .csv | 1 | 1 |  | 11 | 0 | 1 | 0 | 1.0 |  |  |",
        "| .doc | 1 | 0 |  | 0 | 0 | 0 | 0 | 0.0 |  | unsupported 1 |",
        "| .md | 2 | 2 |  | 31 | 2 | 0 | 1 | 2.0 |  |  |",
    ]
