"""Files become documents, sections and passages."""

from rag.documents.corpus import (
    LENIENT,
    MB,
    SUFFIXES,
    Corpus,
    Parse,
    ReadOptions,
    Skipped,
    is_by_product,
    read_corpus,
    skip_lines,
    skipped_json,
)
from rag.documents.passages import passages_of
from rag.documents.sandbox import Cage
from rag.documents.sections import sections_of

__all__ = [
    "LENIENT",
    "MB",
    "SUFFIXES",
    "Cage",
    "Corpus",
    "Parse",
    "ReadOptions",
    "Skipped",
    "is_by_product",
    "passages_of",
    "read_corpus",
    "sections_of",
    "skip_lines",
    "skipped_json",
]
