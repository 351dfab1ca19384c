"""Presentations (PPTX), read from their XML.

Each slide's title is a heading; then come its texts, lists and tables in the order of the file, the
alternative texts of its pictures, and its notes. Hidden slides are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from rag.documents.readers.archive import Archive, title_in
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.facts import xml_facts
from rag.documents.readers.reading import Reading

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MAIN = "officeDocument"
_TITLES = ("title", "ctrTitle")
_CLUTTER = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def read_pptx(raw: bytes) -> Reading:
    """The slides of a PPTX file. Raises CorpusError if it cannot be read or holds no text."""
    draft = Draft()
    with Archive(raw) as archive:
        main = [name for kind, name in archive.targets("").values() if kind == _MAIN]
        part = main[0] if main else "ppt/presentation.xml"
        slides = archive.targets(part)
        hidden = 0
        for number, each in enumerate(archive.xml(part).iter(f"{_P}sldId"), start=1):
            _, name = slides.get(each.get(f"{_R}id", ""), ("", ""))
            slide = archive.xml(name)
            if slide.get("show") in ("0", "false"):
                hidden += 1
                continue
            draft.place("slide", number)
            _write_slide(draft, slide)
            for kind, notes in archive.targets(name).values():
                if kind == "notesSlide":
                    _write_slide(draft, archive.xml(notes))
        if hidden:
            draft.notes.append(f"hidden_slides: {hidden} hidden slides are left out")
        core = archive.optional_xml("docProps/core.xml")
        title, draft.facts = title_in(core), xml_facts(core)
    return draft.reading("" if title == "PowerPoint Presentation" else title)


def _write_slide(draft: Draft, slide: etree._Element) -> None:
    shapes = list(_shapes(slide))
    shapes.sort(key=lambda shape: _holder(shape) not in _TITLES)
    for shape in shapes:
        holder = _holder(shape)
        if holder in _CLUTTER:
            continue
        if holder in _TITLES:
            draft.heading(" ".join(_lines(shape)), 1)
        elif shape.tag == f"{_P}pic":
            alternative = shape.find(f".//{_P}cNvPr")
            if alternative is not None:
                draft.paragraph(alternative.get("descr", ""))
        elif (table := shape.find(f".//{_A}tbl")) is not None:
            _write_table(draft, table)
        else:
            _write_text(draft, shape, is_list=holder in ("", "body", "obj") and holder != "")


def _shapes(parent: etree._Element) -> Iterator[etree._Element]:
    """The shapes that hold something, those of groups too."""
    for tree in parent.iter(f"{_P}spTree"):
        yield from tree.iter(f"{_P}sp", f"{_P}pic", f"{_P}graphicFrame")


def _holder(shape: etree._Element) -> str:
    """What a shape is a placeholder for: `title`, `body`; "" if it is none."""
    holder = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return holder.get("type", "obj") if holder is not None else ""


def _lines(parent: etree._Element) -> Iterator[str]:
    for paragraph in parent.iter(f"{_A}p"):
        yield _text(paragraph)


def _text(paragraph: etree._Element) -> str:
    parts = []
    for each in paragraph.iter(f"{_A}t", f"{_A}br"):
        parts.append("\n" if each.tag == f"{_A}br" else each.text or "")
    return "".join(parts)


def _write_text(draft: Draft, shape: etree._Element, is_list: bool) -> None:
    """Adds the paragraphs of a shape; those of a list together, deeper ones below their item."""
    items: list[str] = []
    for paragraph in shape.iter(f"{_A}p"):
        line = squeezed(_text(paragraph))
        properties = paragraph.find(f"{_A}pPr")
        level = int(properties.get("lvl", "0")) if properties is not None else 0
        if line and level and items:
            items[-1] += f"\n{'  ' * level}- {line}"
        elif line:
            items.append(line)
    if is_list and len(items) > 1:
        draft.items([f"- {item}" for item in items])
    else:
        for item in items:
            draft.paragraph(item)


def _write_table(draft: Draft, table: etree._Element) -> None:
    properties = table.find(f"{_A}tblPr")
    has_header = properties is not None and properties.get("firstRow") in ("1", "true")
    rows = [
        [" ".join(_lines(cell)) for cell in row.iter(f"{_A}tc")] for row in table.iter(f"{_A}tr")
    ]
    draft.table(rows, 1 if has_header else None)
