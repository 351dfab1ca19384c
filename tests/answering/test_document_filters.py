from __future__ import annotations

from typing import Any

import pytest

from rag.answering.document_filters import documents_within, unmatched
from rag.index import Snapshot
from rag.types import NO_FILTERS, Filters
from support.builds import build_snapshot
from support.file_trees import write
from support.snapshots import ENCODER

GUIDE = "---\nmodified: 2026-03-01\n---\n\n# Guide\n\nApples.\n"
NOTE = "---\ncreated: 2025-06-30\n---\n\n# Note\n\nPears.\n"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Three documents: two of them dated, two in folders."""
    corpus = tmp_path_factory.mktemp("corpus")
    write(corpus / "a" / "guide.md", GUIDE)
    write(corpus / "a" / "b" / "note.MD", NOTE)
    write(corpus / "ab.txt", "Plums.\n")
    return build_snapshot([corpus], ENCODER)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"folder": "a"}, ["a/b/note.MD", "a/guide.md"]),
        ({"folder": "a/b/"}, ["a/b/note.MD"]),
        ({"folder": "b"}, []),
        ({"type": ("md",)}, ["a/b/note.MD", "a/guide.md"]),
        ({"type": (".TXT", "pdf")}, ["ab.txt"]),
        ({"since": "2026-03-01"}, ["a/guide.md"]),
        ({"until": "2026-02-28"}, ["a/b/note.MD"]),
        ({"since": "2025-01-01", "until": "2026-03-01"}, ["a/b/note.MD", "a/guide.md"]),
        ({"document_id": ("ab.txt", "a/guide.md"), "type": ("txt",)}, ["ab.txt"]),
        ({"document_id": ("none.md",), "since": "2025-01-01"}, []),
    ],
)
def test_documents_are_those_that_every_filter_lets_through(
    snapshot: Snapshot, wanted: dict[str, Any], found: list[str]
) -> None:
    assert documents_within(snapshot, Filters(**wanted)) == found


def test_without_a_filter_of_documents_all_are_searched(snapshot: Snapshot) -> None:
    assert documents_within(snapshot, NO_FILTERS) is None
    assert documents_within(snapshot, Filters(section="Guide")) is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, []),
        ({"folder": "a", "type": ("md", "pdf"), "since": "2026-03-01"}, []),
        ({"folder": "b", "section": "Guid", "type": ("pdf",)}, ["section", "folder", "type"]),
        ({"folder": "a", "until": "2025-06-29"}, ["until"]),
        ({"document_id": ("ab.txt",), "folder": "a"}, []),
    ],
)
def test_a_filter_is_unmatched_if_it_alone_lets_nothing_through(
    snapshot: Snapshot, wanted: dict[str, Any], found: list[str]
) -> None:
    assert unmatched(snapshot, Filters(**wanted)) == found
