"""An answer in its three forms: for a terminal with the quotes on top, as Markdown, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import msgspec
from rich.console import Console
from rich.style import Style
from rich.text import Text

from rag.cli.generate import Generated
from rag.cli.rendering import rendered
from rag.cli.terminal import place, printable
from rag.index import Snapshot
from rag.schemas import answer_json, timed
from rag.store import Sources
from rag.types import Answer, CitedPassage, Finding

TITLES: Mapping[Finding, str] = MappingProxyType(
    {"answered": "Answer", "maybe": "Maybe an answer", "not_found": "Not in these documents"}
)
MAYBE = "The documents may answer this: check the passages before you rely on it."
# Around the sentences that answer, if there is no colour.
MARK = ("»", "«")
MARKED = Style(color="green", bold=True)
# The address of the file of a document, or None if it is not known.
Link = Callable[[str], str | None]


def file_links(sources: Sources | None) -> Link:
    """The addresses of the files that an index was built from."""
    folders = [Path(path) for path in sources.paths] if sources else []

    def link(document_id: str) -> str | None:
        if ".." in PurePosixPath(document_id).parts:
            return None
        files = (path if path.name == document_id else path / document_id for path in folders)
        return next((file.as_uri() for file in files if file.is_file()), None)

    return link


def show_answer(answer: Answer, console: Console, link: Link, unfold: str = "") -> None:
    """Prints the answer. If `unfold` says how to see more, passages not quoted are only named."""
    title = TITLES[answer.verdict]
    colour = "green" if answer.verdict == "answered" else "yellow"
    _print(console, Text(f"{title} (confidence {answer.confidence:.2f})", style=f"bold {colour}"))
    for sentence in _said(answer):
        _print(console, Text(sentence))
    cited = {each.rank: each.citation for each in answer.passages}
    for quote in answer.quotes:
        media_type = cited[quote.citation].media_type
        said = _rendered(Text(_plain(quote.text.rstrip())), console, media_type)
        _print(console, said.append(f" [{quote.citation}]", "dim"))
    for notice in answer.notices:
        _print(console, Text(printable(notice), style="italic"))
    quoted = {quote.citation for quote in answer.quotes}
    was_shown = True
    for each in answer.passages:
        is_shown = each.rank in quoted or not unfold
        if was_shown or is_shown:
            console.print()
        was_shown = is_shown
        _print(console, _title(each, link))
        if is_shown:
            show_text(each.citation.quote, each, each.citation.char_start, console)
    if not was_shown:
        _print(console, Text(unfold, style="dim"))


def show_text(text: str, cited: CitedPassage, start: int, console: Console) -> None:
    """Prints text of the document from offset `start` on, with the passage's sentences marked."""
    shown, at = Text(), 0
    for span in cited.highlights:
        first, last = (max(0, offset - start) for offset in (span.char_start, span.char_end))
        shown.append(_plain(text[at:first]))
        shown.append(_plain(text[first:last]), MARKED)
        at = last
    shown.append(_plain(text[at:]))
    shown = _rendered(shown, console, cited.citation.media_type)
    _print(console, shown if console.color_system else _with_signs(shown))


def answer_as_json(
    answer: Answer, snapshot: Snapshot, took_ms: float, generated: Generated | None = None
) -> str:
    """The answer as the service gives it, indented; `generated` is what a model wrote from it."""
    written = timed(answer_json(answer, snapshot), took_ms)
    if generated:
        written = b'%s,"generated":%s}' % (written[:-1], msgspec.json.encode(generated))
    return msgspec.json.format(written, indent=1).decode()


def markdown_lines(answer: Answer) -> Iterator[str]:
    """The answer as Markdown. Quotes and passages are as they stand in the documents."""
    yield f"**{TITLES[answer.verdict]}** (confidence {answer.confidence:.2f})"
    for sentence in (*_said(answer), *map(printable, answer.notices)):
        yield from ("", sentence)
    for quote in answer.quotes:
        yield from ("", *_as_quotation(quote.text), ">", f"> [{quote.citation}]")
    for cited in answer.passages:
        yield from ("", f"{cited.rank}. {place(cited.citation)}", "")
        yield from (f"   {line}" for line in _as_quotation(cited.citation.quote))


def _said(answer: Answer) -> list[str]:
    """How sure the answer is, in words."""
    maybe = [MAYBE] if answer.verdict == "maybe" else []
    return [*maybe, *([printable(answer.message)] if answer.message else [])]


def _as_quotation(text: str) -> Iterator[str]:
    return (f"> {line}".rstrip() for line in _plain(text).split("\n"))


def _title(cited: CitedPassage, link: Link) -> Text:
    file = link(cited.citation.document_id)
    style = Style(bold=True, link=file)
    return Text(f"{cited.rank}. {place(cited.citation)}", style=style)


def _rendered(text: Text, console: Console, media_type: str) -> Text:
    return rendered(text, console.width, is_markdown=media_type == "text/markdown")


def _plain(text: str) -> str:
    return printable(text.replace("\r\n", "\n").replace("\r", "\n"))


def _with_signs(text: Text) -> Text:
    """The text with signs around what is marked: a terminal without colour shows no style."""
    runs: list[list[int]] = []
    for span in sorted(span for span in text.spans if span.style == MARKED):
        if runs and text.plain[runs[-1][1] : span.start] in ("", "\n"):
            runs[-1][1] = span.end
        else:
            runs.append([span.start, span.end])
    parts, at = [], 0
    for start, end in runs:
        parts += [text[at:start], Text(MARK[0]), text[start:end], Text(MARK[1])]
        at = end
    return Text().join([*parts, text[at:]])


def _print(console: Console, text: Text) -> None:
    """Prints text: wrapped at words on a terminal, and with its own lines elsewhere."""
    console.print(text, soft_wrap=not console.is_terminal)
