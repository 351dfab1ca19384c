"""Files, citations and their places on one line of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from rag.text import counted
from rag.types import Citation, Edit, FileReport, SavedCitation, Verdict

# Beside a change, this many characters of the unchanged text are shown.
SHOWN = 40


def verdict_line(saved: SavedCitation, verdict: Verdict) -> str:
    """What became of a saved citation, on one line.

    >>> verdict_line(saved, verdict)  # doctest: +SKIP
    'moved    guide.md[120:154] -> guide.md:9-10 > Fares'
    """
    was = f"{on_one_line(saved.document_id)}[{saved.char_start}:{saved.char_end}]"
    if verdict.citation is None:
        return f"{verdict.status:<8} {was}: {_differences(verdict.diff) or verdict.detail}"
    now = place(verdict.citation)
    if verdict.status == "valid":
        return f"{verdict.status:<8} {now}"
    several = f" (nearest of {verdict.places} places)" if verdict.places > 1 else ""
    return f"{verdict.status:<8} {was} -> {now}{several}"


def file_line(file: FileReport) -> str:
    """What a build made of a file, on one line.

    >>> file_line(file)  # doctest: +SKIP
    'indexed  a.pdf: 3 pages, 2 sections, 900 characters'
    """
    numbers = {
        "document": file.documents if file.documents > 1 else 0,
        "page": file.pages,
        "section": file.sections,
        "table": file.tables,
        "FAQ pair": file.faq_pairs,
        "character": file.characters,
    }
    listed = ", ".join(counted(number, what) for what, number in numbers.items() if number)
    left_out = [f"left out {part}" for part in file.left_out]
    said = "; ".join([*([listed] if listed else []), *map(str, file.remarks), *left_out])
    return f"{file.verdict}  {on_one_line(file.id)}: {on_one_line(said)}"


def place(citation: Citation) -> str:
    """The place of a citation, for people.

    >>> place(citation)  # doctest: +SKIP
    'car-t-lupus.md:41-44 > Treatment Protocol'
    """
    return " > ".join(map(on_one_line, [_spot(citation), *citation.heading_path]))


def _spot(citation: Citation) -> str:
    """The document with the page, slide, row or anchor, or else the lines."""
    document, found = citation.document_id, citation.place
    if citation.page is not None:
        return f"{document}, page {citation.page}"
    if found is None:
        first, last = citation.line_start, citation.line_end
        return f"{document}:{first}" if first == last else f"{document}:{first}-{last}"
    if found.kind == "anchor":
        return f"{document}{found.name}" if found.name[:1] == "#" else f"{document}, {found.name}"
    sheet = f" of {found.name}" if found.name else ""
    return f"{document}, {found.kind} {found.number}{sheet}"


def printable(text: str) -> str:
    """The text with terminal controls (escape sequences, bidi overrides) shown as codes.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if _harmless(c) else c.encode("unicode_escape").decode() for c in text)


def on_one_line(text: str) -> str:
    """`printable` for what must stay on one line: a name, a heading."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _differences(diff: Sequence[Edit]) -> str:
    """The edits on one line, as `[-removed-] {+added+}`; unchanged text is cut in its middle."""
    return printable(" ".join("".join(map(_marked_edit, diff)).split()))


def _marked_edit(edit: Edit) -> str:
    if edit.kind == "same":
        is_long = len(edit.text) > 2 * SHOWN
        return f"{edit.text[:SHOWN]} … {edit.text[-SHOWN:]}" if is_long else edit.text
    text = edit.text.rstrip()
    after = edit.text[len(text) :]
    return f"[-{text}-]{after}" if edit.kind == "removed" else f"{{+{text}+}}{after}"


def _harmless(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
