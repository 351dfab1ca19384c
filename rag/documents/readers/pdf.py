"""PDF, read by PDFium; the order in which a page is read is our own (`pdf_layout`).

- Headings are what the file's tags or its outline say; else lines that are larger than most of the
  text, or bold, and stand by themselves. A larger one is above a smaller one.
- Lines become paragraphs. A word that a hyphen parts at the end of a line is put together, unless
  the document writes it with a hyphen elsewhere. A paragraph may go on over columns and pages.
- What repeats at the top or bottom of pages (running heads, page numbers) is left out.
- Text that nobody sees (invisible, white, tiny, off the page) is left out and counted. The
  invisible text that lies over a scanned page is read.
- A page that shows something and has no text is named: it needs OCR first.
"""

from __future__ import annotations

import ctypes
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from operator import itemgetter

import pypdfium2.raw as pdfium

from rag.documents.boxes import WordBox, packed
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.facts import Facts, facts
from rag.documents.readers.labels import shortened
from rag.documents.readers.pdf_boxes import note_boxes, size_of
from rag.documents.readers.pdf_headings import Entry, mark_headings
from rag.documents.readers.pdf_layout import lines_of
from rag.documents.readers.pdf_lines import PageLines, PdfLine
from rag.documents.readers.pdf_page import Page, read_page
from rag.documents.readers.pdf_parts import Part, parts_of
from rag.documents.readers.reading import Reading
from rag.types import PageWords, Place
from rag.types.errors import CorpusError

_PASSWORD, _SECURITY = 4, 5
_MOST_BOOKMARKS = 5_000
_NAMED_PAGES = 20
# So much of a page may be without a meaning before it is worth a note.
_UNMAPPED = 0.1
# The outer part of a page where running heads stand, and the height of a line's place there.
_MARGIN = 0.085
# A line that says that it counts pages may stand further in.
_COUNTING_MARGIN = 0.12
_PLACE = 10
_LONGEST_HEAD = 100
# Years do not count pages.
_NUMBER = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d{1,4}(?!\d)")
_Head = tuple[int, int, str]
# The page of a line, and where it begins in the text.
_Written = tuple[int, int, PdfLine]
_Words = tuple[PageWords, ...]
_PAGE_NUMBER = re.compile(r"(?:page|seite|p\.)?[\W_]*(?:\d+|[ivxlc]+)[\W_]*(?:(?:of|von|de) \d+)?")
_COUNTS = re.compile(r"(?:page|seite|p\.)\s*\d", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"^(?:microsoft word|untitled|powerpoint|slide \d)|\.\w{2,4}$", re.IGNORECASE
)


def read_pdf(raw: bytes) -> Reading:
    """The document in a PDF. Raises CorpusError if it cannot be opened or has no text."""
    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(raw, len(raw), None)
    if not document:
        raise CorpusError(_refusal(pdfium.FPDF_GetLastError()))
    draft = Draft()
    try:
        pages = list(_pages(document, draft))
        outline = list(_outline(document))
        title = _title(document)
        draft.facts = _facts(document)
    finally:
        pdfium.FPDF_CloseDocument(document)
    _drop_running_heads(pages, draft)
    mark_headings(pages, outline)
    written = _write(draft, parts_of(pages))
    reading = draft.reading(draft.title() or title)
    return replace(reading, words=_words(written, {page.number: page.size for page in pages}))


def page_count(raw: bytes) -> int:
    """How many pages a PDF has; 0 if it cannot be opened."""
    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(raw, len(raw), None)
    if not document:
        return 0
    pages = int(pdfium.FPDF_GetPageCount(document))
    pdfium.FPDF_CloseDocument(document)
    return max(0, pages)


def _refusal(error: int) -> str:
    if error in (_PASSWORD, _SECURITY):
        return "encrypted: the PDF needs a password; save a copy without one"
    return "corrupt: not a PDF that can be opened; open it in a viewer and save it again"


def _pages(document: pdfium.FPDF_DOCUMENT, draft: Draft) -> Iterator[PageLines]:
    """The pages with their lines; what they lose is noted in the draft."""
    empty: list[int] = []
    lost: list[int] = []
    unmapped: list[int] = []
    hidden = 0
    for number in range(1, pdfium.FPDF_GetPageCount(document) + 1):
        page = read_page(document, number)
        hidden += page.hidden
        letters = _letters(word.text for word in chain(page.words, *page.stamps))
        lines = _clean(lines_of(page), page)
        if page.is_broken or _letters(_texts(lines)) < letters:
            lost.append(number)
        elif not lines and page.has_marks:
            empty.append(number)
        if page.unmapped > _UNMAPPED * (letters + page.unmapped):
            unmapped.append(number)
        yield PageLines(number, lines, size_of(page))
    if empty:
        draft.left_out.append(
            f"no_text_layer: {_numbers(empty)} without text; add it with an OCR tool, for instance"
            " OCRmyPDF"
        )
    if lost:
        draft.left_out.append(f"text_lost: {_numbers(lost)} not read whole; save the PDF again")
    if hidden:
        draft.notes.append(f"hidden_text: {hidden} characters that nobody sees are left out")
    if unmapped:
        draft.notes.append(
            f"unmappable_text: {_numbers(unmapped)} in a font that gives letters no meaning;"
            " read the PDF by OCR"
        )


def _letters(texts: Iterable[str]) -> int:
    return sum(character.isalnum() for text in texts for character in text)


def _texts(lines: Sequence[PdfLine]) -> Iterator[str]:
    for line in lines:
        yield line.text
        yield from chain.from_iterable(line.rows)


def _clean(lines: list[PdfLine], page: Page) -> list[PdfLine]:
    """The lines without what they were made from, and the stamps of the page below them."""
    for words in page.stamps:
        text = " ".join(word.text for word in words)
        lines.append(PdfLine(text, 0, page.height, page.width, page.height, 1.0, words=words))
    for line in lines:
        line.text = squeezed(line.text)
        line.margin = _margin(line, page)
        note_boxes(line, page)
    lines = [line for line in lines if line.text or line.rows]
    lowest = sorted(lines, key=lambda line: line.bottom)[-2:]
    if len(lowest) > 1 and _PAGE_NUMBER.fullmatch(lowest[1].text.casefold()):
        is_apart = lowest[1].top - lowest[0].bottom > lowest[1].size
        lowest[1].margin = lowest[1].margin or int(is_apart)
    return lines


def _margin(line: PdfLine, page: Page) -> int:
    """-1 for a line at the top of the page, 1 at the bottom, else 0."""
    counts = _COUNTS.match(line.text) and _PAGE_NUMBER.fullmatch(line.text.casefold())
    margin = (_COUNTING_MARGIN if counts else _MARGIN) * page.height
    return -1 if line.bottom < margin else int(line.top > page.height - margin)


def _numbers(pages: Sequence[int]) -> str:
    named = ", ".join(map(str, pages[:_NAMED_PAGES]))
    more = f" and {len(pages) - _NAMED_PAGES} more" if len(pages) > _NAMED_PAGES else ""
    return f"page {named} is" if len(pages) == 1 else f"pages {named}{more} are"


# Running heads


def _drop_running_heads(pages: list[PageLines], draft: Draft) -> None:
    """Leaves out lines at the top and bottom that stand in the same place of several pages."""
    found: dict[_Head, set[int]] = defaultdict(set)
    for page in pages:
        for line in page.lines:
            for head in _heads(line, page.number):
                found[head].add(page.number)
    least = 2 if len(pages) < 5 else 3
    repeated = {head for head, numbers in found.items() if len(numbers) >= least}
    dropped = 0
    for page in pages:
        kept = [line for line in page.lines if repeated.isdisjoint(_heads(line, page.number))]
        dropped += len(page.lines) - len(kept)
        page.lines = kept
    if dropped:
        draft.notes.append(f"running_heads: {dropped} lines that repeat on pages are left out")


def _heads(line: PdfLine, page: int) -> Iterator[_Head]:
    """What a line in a margin says at which place: in its own words, and with counted pages."""
    if not line.margin or line.rows:
        return
    text = line.text.casefold()
    at = round((line.top + line.bottom) / 2 / _PLACE)
    yield line.margin, at, "#" if _PAGE_NUMBER.fullmatch(text) else text
    if len(text) < _LONGEST_HEAD:
        yield line.margin, at, _NUMBER.sub(lambda found: f"#{int(found[0]) - page}", text)


def _write(draft: Draft, parts: Sequence[Part]) -> list[_Written]:
    """Adds the parts to the draft, items that follow each other as one list; where lines begin."""
    written: list[_Written] = []
    page = 0
    i = 0
    while i < len(parts):
        part = parts[i]
        if part.page != page:
            draft.place("page", part.page)
        after = i + 1
        if part.kind == "table":
            draft.table(part.first.rows)
        elif part.kind == "heading":
            draft.add(
                "heading", [part.text], part.level, shortened(part.text), places=_inner(part.pages)
            )
        elif part.kind == "paragraph":
            draft.add("paragraph", [part.text], places=_inner(part.pages))
        else:
            while after < len(parts) and parts[after].kind == "item":
                after += 1
            _write_list(draft, parts[i:after])
        start = draft.last().start
        for each in parts[i:after]:
            written += [(number, start + offset, line) for number, offset, line in each.lines]
            start += len(each.text) + 1
        page = _last_page(parts[after - 1])
        i = after
    return written


def _words(written: Sequence[_Written], sizes: Mapping[int, tuple[float, float]]) -> _Words:
    """Where the words of the lines stand, those that follow each other on a page together."""
    found = []
    for number, lines in groupby(written, key=itemgetter(0)):
        words = [word for _, start, line in lines for word in _placed(line, start)]
        if words:
            found.append(PageWords(words[0][0], number, *sizes[number], packed(words)))
    return tuple(found)


def _placed(line: PdfLine, start: int) -> Iterator[WordBox]:
    """The words of a line that begins there in the text."""
    for offset, left, top, right, bottom in zip(*[iter(line.boxes)] * 5, strict=True):
        yield start + offset, left, top, right, bottom


def _write_list(draft: Draft, items: Sequence[Part]) -> None:
    at = 0
    page = items[0].page
    pages: list[tuple[int, int]] = []
    for item in items:
        pages += [(at, item.page)] if item.page != page else []
        pages += [(at + offset, number) for offset, number in item.pages]
        page = _last_page(item)
        at += len(item.text) + 1
    draft.add("list", [item.text for item in items], parted=True, places=_inner(pages))


def _inner(pages: Sequence[tuple[int, int]]) -> list[Place]:
    return [Place(at, "page", number) for at, number in pages]


def _last_page(part: Part) -> int:
    return part.pages[-1][1] if part.pages else part.page


# The document


def _outline(document: pdfium.FPDF_DOCUMENT) -> Iterator[Entry]:
    """The entries of the outline."""
    waiting = [(pdfium.FPDFBookmark_GetFirstChild(document, None), 1)]
    for _ in range(_MOST_BOOKMARKS):
        if not waiting:
            return
        mark, level = waiting.pop()
        if not mark:
            continue
        waiting.append((pdfium.FPDFBookmark_GetNextSibling(document, mark), level))
        waiting.append((pdfium.FPDFBookmark_GetFirstChild(document, mark), level + 1))
        target = pdfium.FPDFBookmark_GetDest(document, mark)
        if target:
            number = pdfium.FPDFDest_GetDestPageIndex(document, target) + 1
            yield number, level, _wide(pdfium.FPDFBookmark_GetTitle, mark)


def _title(document: pdfium.FPDF_DOCUMENT) -> str:
    """The title that the file names; "" if it is none, as `Microsoft Word - a.doc`."""
    found = squeezed(_wide(pdfium.FPDF_GetMetaText, document, b"Title"))
    return "" if _NO_TITLE.search(found) else found


def _facts(document: pdfium.FPDF_DOCUMENT) -> Facts:
    made, changed = (
        _wide(pdfium.FPDF_GetMetaText, document, name) for name in (b"CreationDate", b"ModDate")
    )
    return facts(_wide(pdfium.FPDFCatalog_GetLanguage, document), made, changed)


def _wide(get: Callable[..., int], *arguments: object) -> str:
    """What a function of PDFium writes into a buffer as UTF-16."""
    size = get(*arguments, None, 0)
    buffer = (ctypes.c_ushort * max(size // 2, 1))()
    get(*arguments, buffer, size)
    return bytes(buffer)[: max(size - 2, 0)].decode("utf-16-le", "replace")
