"""What a file holds and its reader never sees: front matter, comments, scripts, encoded images.

None of it is an answer. The build names what was left out, so that no text is lost in silence.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from rag.documents.readers.facts import FACT_KEYS
from rag.types import Hidden, HiddenKind

Offsets = tuple[int, int]

# YAML is slow to parse, and nobody writes that much of it above a page.
_LONGEST_FRONT_MATTER = 20_000
_FRONT_OPENS = re.compile(r"(?:---|(?P<toml>\+\+\+))[ \t]*(?:\r\n|\r|\n)")
_YAML_CLOSES = re.compile(r"(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?=[\r\n]|\Z)")
_TOML_CLOSES = re.compile(r"(?<=[\r\n])\+\+\+[ \t]*(?=[\r\n]|\Z)")
# A key that is so written is the name of a setting; so are these, however they are written.
_SETTING = re.compile(r"[a-z][\w.:-]*")
_SETTINGS = frozenset(
    {"title", "subtitle", "author", "authors", "date", "created", "updated", "modified", "tags"}
    | {"tag", "category", "categories", "keywords", "description", "summary", "abstract"}
    | {"excerpt", "layout", "template", "slug", "permalink", "aliases", "lang", "language"}
)
# What the page shows with answers that quote the document: a sentence.
_NOTICE = "notice"
_SENTENCE = re.compile(r"\S\s.*[.!?…。！？।۔؟][\"'”’»)]*\Z", re.DOTALL)

_OPENER = re.compile(
    r"(?P<code>`+)|(?P<comment><!--)|(?P<mdx>\{/\*)|(?P<jinja>\{#(?=[\s-]))|(?P<instruction><\?)"
    r"|(?P<liquid>\{%-?\s{0,9}comment\s{0,9}-?%\})|(?P<hugo>\{\{[<%]\s{0,9}comment\s{0,9}[%>]\}\})"
    r"|^[ \t]{0,3}(?:(?P<obsidian_block>%%)(?=[ \t]*\r?$)|(?P<obsidian>%%)(?!%))"
    r"|(?<=\s)(?P<obsidian_inline>%%)(?=[^\s%])"
    r"|<(?P<script>script|style|template)\b[^<>]{0,2000}>"
    r"|<(?P<unseen>[a-z]\w{0,20})(?=\s)(?=[^<>]{0,500}?(?:\shidden(?=[\s=>])"
    r"|\sstyle=[\"'][^\"'<>]{0,200}display:\s{0,9}none))[^<>]{0,2000}>",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSERS = {
    "comment": re.compile("-->"),
    "mdx": re.compile(r"\*/\}"),
    "jinja": re.compile(r"#\}"),
    "instruction": re.compile(r"\?>"),
    "obsidian": re.compile(r"%%(?=[ \t]*\r?$)", re.MULTILINE),
    "obsidian_inline": re.compile(r"(?<=[^\s%])%%(?!\w)"),
    "hugo": re.compile(r"\{\{[<%]\s{0,9}/\s{0,9}comment\s{0,9}[%>]\}\}"),
    "obsidian_block": re.compile(r"^[ \t]{0,3}%%(?=[ \t]*\r?$)", re.MULTILINE),
    "liquid": re.compile(r"\{%-?\s{0,9}endcomment\s{0,9}-?%\}", re.IGNORECASE),
}
# What is closed in the same paragraph, or never.
_IN_PARAGRAPH = frozenset({"code", "obsidian", "obsidian_inline"})
_LONGEST_CODE_MARK = 8
_BLANK_LINE = re.compile(r"(?:\r\n|\r|\n)[ \t>]*(?=\r|\n)")
_OPENS_LINE = re.compile(r"(?:\A|[\r\n])[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?\Z")
_LINE_HEAD = 20
# A definition of a link that leads nowhere, whose title is the comment: `[//]: # (remark)`.
_DEFINED = re.compile(
    r"^[ \t]{0,3}\[[^\]\r\n]{1,99}\]:[ \t]*(?:<?#?>|#)[ \t]+"
    r"(?:\((?:[^()\r\n]|\r?\n(?!\s*$))*\)|\(.*\)|\".*\"|'.*')[ \t]*$",
    re.MULTILINE,
)

# The page shows the notice with the answers.
_USED_KEYS = FACT_KEYS | {"title", "notice"}

_DATA = re.compile(
    r"(?P<uri>data:(?:[\w.+-]{1,60}/[\w.+-]{1,60}(?:;[\w.=-]{1,60}){0,5};base64|image/[\w.+;=-]{1,80}),)"
    r"(?:[A-Za-z0-9+/=_%.~:;&@!$*-]|\s{1,9}[A-Za-z0-9+/=]{40})+(?:\s{1,9}[A-Za-z0-9+/]{1,39}={0,2}(?=[)\"'>]))?"
)
# Base64 that no data URI announces: one run, or lines of a mail's attachment.
_BARE = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}(?:\r?\n[A-Za-z0-9+/]{60,}={0,2})*")
_LEAST_BARE = 1000


def front_matter(text: str) -> tuple[str, Hidden] | None:
    """The title in the front matter, "" if it has none, and where it stands; None without any."""
    found = front_values(text)
    if found is None:
        return None
    values, span = found
    kind: HiddenKind = "metadata" if values.keys() <= _USED_KEYS else "front matter"
    return values.get("title", ""), Hidden(*span, kind)


def front_values(text: str) -> tuple[dict[str, str], Offsets] | None:
    """The values of the front matter by their keys, and where it stands; None without any.

    Front matter is a YAML mapping between two lines `---`, or a TOML table between two lines `+++`,
    that opens the text. A mapping that reads as prose (`Note: closed until May.`) is text.
    """
    opening = _FRONT_OPENS.match(text)
    if opening is None:
        return None
    closes = _TOML_CLOSES if opening["toml"] else _YAML_CLOSES
    closing = closes.search(text, opening.end(), _LONGEST_FRONT_MATTER)
    if closing is None:
        return None
    source = text[opening.end() : closing.start()]
    values = _table(source) if opening["toml"] else _mapping(source)
    return (values, (0, closing.end())) if values and _are_settings(values) else None


def _table(source: str) -> dict[str, str]:
    """The keys of a TOML table with their values, "" for a nested one; none if it is no table."""
    import tomllib

    try:
        table = tomllib.loads(source.replace("\r", ""))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return {
        key: "" if isinstance(value, dict | list) else str(value) for key, value in table.items()
    }


def _mapping(source: str) -> dict[str, str]:
    """The keys of a YAML mapping with their values, "" for a nested one; none if it is no mapping.

    The events are read, not the values: nesting and aliases cost nothing.
    """
    # Late: most texts have no front matter.
    import yaml

    try:
        # Tabs are no blanks in YAML, but a slip of the key.
        events = list(yaml.parse(source.replace("\t", "  "), Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError):
        return {}
    if len(events) < 3 or not isinstance(events[2], yaml.MappingStartEvent):
        return {}
    depth, top = 0, []
    for event in events[3:]:
        if depth == 0 and isinstance(event, yaml.NodeEvent):
            top.append(event.value if isinstance(event, yaml.ScalarEvent) else "")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth < 0:
            break
    return dict(zip(top[::2], top[1::2], strict=False))


def _are_settings(values: dict[str, str]) -> bool:
    """Whether at least half of the keys name settings.

    Other keys open lines of text: `From`, `The hall`, and `note` if a sentence follows it.
    """
    if any("://" in key for key in values):
        return False
    named = [
        key == _NOTICE
        or key.lower() in _SETTINGS
        or bool(_SETTING.fullmatch(key) and not _SENTENCE.search(value))
        for key, value in values.items()
    ]
    return 2 * sum(named) >= len(named)


def comments(text: str, code: Sequence[Offsets]) -> tuple[Hidden, ...]:
    """The comments, scripts and styles of a Markdown text, in order; those in code are visible.

    `code` are the spans of its code blocks. What opens within a line closes in the same paragraph;
    what is never closed is text.
    """
    defined = [
        Hidden(found.start(), found.end(), "comment")
        for found in _DEFINED.finditer(text)
        if not _inside(code, found.start())
    ]
    return merged([*_Comments(text, code).found(), *defined])


class _Comments:
    """One pass over the openers of a text; no stretch is searched twice for the same closer."""

    def __init__(self, text: str, code: Sequence[Offsets]) -> None:
        self._text = text
        self._code = code
        self._paragraph_end = 0
        self._searched: dict[str, int] = {}

    def found(self) -> Iterator[Hidden]:
        """The spans from openers to closers."""
        at = 0
        while opener := _OPENER.search(self._text, at):
            at = opener.end()
            if block := _inside(self._code, opener.start()):
                at = max(at, block[1])
            elif self._text[opener.start() - 1 : opener.start()] == "\\":
                continue
            elif (end := self._closed(opener)) > 0:
                if opener.lastgroup != "code":
                    kind: HiddenKind = "script or style" if opener["script"] else "comment"
                    yield Hidden(opener.start(), end, kind)
                at = end

    def _closed(self, opener: re.Match[str]) -> int:
        """Where the opener is closed, 0 if it is not."""
        name = str(opener.lastgroup)
        if len(opener["code"] or "") > _LONGEST_CODE_MARK:
            return 0
        closer = _CLOSERS.get(name)
        if closer is None:
            name = opener[name].lower()
            closer = re.compile(
                f"(?<!`){name}(?!`)" if opener["code"] else rf"</{name}\s{{0,9}}>", re.IGNORECASE
            )
        start = opener.end()
        limit = len(self._text)
        if opener.lastgroup in _IN_PARAGRAPH or not self._opens_line(opener.start()):
            limit = self._end_of_paragraph(start)
        if limit <= self._searched.get(name, 0):
            return 0
        found = closer.search(self._text, start, limit)
        if found is None:
            self._searched[name] = limit
        return found.end() if found else 0

    def _opens_line(self, at: int) -> bool:
        head = self._text[max(0, at - _LINE_HEAD) : at]
        return _OPENS_LINE.search(head if at <= _LINE_HEAD else f"x{head}") is not None

    def _end_of_paragraph(self, at: int) -> int:
        if at >= self._paragraph_end:
            blank = _BLANK_LINE.search(self._text, at)
            self._paragraph_end = blank.start() if blank else len(self._text)
        return self._paragraph_end


def without_encoded(text: str) -> tuple[str, list[Hidden]]:
    """The text with `…` in place of images written out as base64, and where they stood in it.

    Line ends are kept, so that all lines have the numbers that they have in the file.
    """
    found = [*_DATA.finditer(text)] if "data:" in text else []
    bare = [run for run in _BARE.finditer(text) if _is_salad(run[0])]
    parts, hidden, end, length = [], [], 0, 0
    for each in sorted([*found, *bare], key=lambda match: match.start()):
        start = each.end("uri") if each.re is _DATA else each.start()
        if start >= end:
            lines = "".join(re.findall(r"[\r\n]", text[start : each.end()]))
            parts += [text[end:start], "…", lines]
            length += start - end + 1
            hidden.append(Hidden(length, length, "encoded data"))
            length, end = length + len(lines), each.end()
    return "".join([*parts, text[end:]]), hidden


def _is_salad(run: str) -> bool:
    """Whether a run of letters is too long and too mixed to be a word, a key or a hash."""
    kinds: tuple[Callable[[str], bool], ...] = (str.isupper, str.islower, str.isdigit)
    mixed = all(any(map(kind, run)) for kind in kinds) and ("+" in run or "/" in run)
    return mixed and len(run) >= _LEAST_BARE


def without(text: str, hidden: Sequence[Hidden]) -> str:
    """The text with blanks in place of what is hidden; line ends and all offsets stay."""
    parts, end = [], 0
    for each in hidden:
        parts += [text[end : each.start], re.sub(r"[^\r\n]", " ", text[each.start : each.end])]
        end = each.end
    return "".join([*parts, text[end:]])


def merged(found: Iterable[Hidden]) -> tuple[Hidden, ...]:
    """The hidden spans in order; those that overlap are one, of the kind of the first."""
    kept: list[Hidden] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if kept and each.start < kept[-1].end:
            kept[-1] = replace(kept[-1], end=max(each.end, kept[-1].end))
        else:
            kept.append(each)
    return tuple(kept)


def _inside(spans: Sequence[Offsets], at: int) -> Offsets | None:
    """The span that holds a character, if one does."""
    i = bisect_right(spans, at, key=lambda span: span[0]) - 1
    return spans[i] if i >= 0 and at < spans[i][1] else None
