"""E-books (EPUB): the chapters in the order of the book, each read as a web page.

An anchor is the chapter's file with the element's id. Books with copy protection are not read.
"""

from __future__ import annotations

from rag.documents.encodings import decoded_html
from rag.documents.readers.archive import Archive, title_in
from rag.documents.readers.draft import Draft
from rag.documents.readers.facts import xml_facts
from rag.documents.readers.html import write_html
from rag.documents.readers.reading import Reading
from rag.types.errors import CorpusError

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(raw: bytes) -> Reading:
    """The book in an EPUB file. Raises CorpusError if it cannot be read or holds no text."""
    draft = Draft()
    with Archive(raw) as archive:
        root = archive.xml(_CONTAINER).find(".//{*}rootfile")
        package = root.get("full-path", "") if root is not None else ""
        book = archive.xml(package)
        items = {item.get("id"): item for item in book.iter("{*}item")}
        for entry in book.iter("{*}itemref"):
            item = items.get(entry.get("idref"))
            if item is None or item.get("media-type") not in _PAGES:
                continue
            if "nav" in item.get("properties", "").split():
                continue
            name = archive.resolved(package, item.get("href", ""))
            text, note = decoded_html(archive.read(name))
            draft.notes += [note] if note else []
            draft.place("anchor", name=name)
            write_html(draft, text, anchor=name)
        title = title_in(book)
        draft.facts = xml_facts(book)
    if draft.is_empty() and "META-INF/rights.xml" in archive:
        raise CorpusError("encrypted: the book has copy protection; get a copy without")
    return draft.reading(title)
