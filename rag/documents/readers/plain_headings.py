"""The headings of an unmarked text; the rules are stated in `rag.documents.readers.plain_text`."""

from __future__ import annotations

import re
from itertools import pairwise

from rag.documents.readers.faq_headings import is_faq_heading
from rag.documents.readers.labels import asks
from rag.documents.readers.plain_lines import Layout, Line, ends_sentence, item_number

_NUMBERED = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,3})*)[.)]?\s+(?=\S)")
_NOT_A_TITLE_END = tuple(".,;:!…。，；：！、-–—=")
_NEIGHBOURHOOD = 8
# Signs of program code, of directives and of prompts.
_CODE = re.compile(
    r"[{}=\\]|::|\(\)|\w\([\w, ]*\)|^(?:[$%]|>>>|\.\.|//|@\w+)(?:\s|$)|^:\w+:|^</?\w"
)

_ASKING_WORDS = frozenset(
    {"what", "how", "why", "when", "who", "whom", "whose", "where", "which", "is", "are", "do"}
    | {"does", "did", "can", "could", "should", "will", "would", "may", "must", "has", "have"}
)
_SMALL_WORDS = frozenset(
    {"the", "a", "an", "of", "and", "or", "but", "to", "in", "for", "with", "by", "on", "at"}
    | {"from", "is", "are", "was", "were", "be", "that", "this", "as", "its", "their", "our"}
)


def headings_in(layout: Layout) -> dict[int, int]:
    """The lines that are headings (of an underlined one the first), with their levels."""
    titles = _titles(layout)
    margin = min((line.indent for line in layout.lines if line.text), default=0)
    found: list[int] = []
    in_faq = False
    for i, line in enumerate(layout.lines):
        stands_out = line.indent <= margin + 1 and (
            i in titles or (in_faq and _is_asked(layout, i))
        )
        if layout.kinds[i] == "underlined" or (stands_out and _begins(layout, i, found)):
            found.append(i)
            in_faq = is_faq_heading(line.text) or (in_faq and asks(line.text))
    return _levels(layout, _without_crowds(layout, found))


def _titles(layout: Layout) -> set[int]:
    """The lines that read like a title and have something below them."""
    found: set[int] = set()
    for i in range(len(layout.lines) - 2, -1, -1):
        alone = layout.kinds[i] == "prose" or _is_lone_number(layout, i)
        if alone and not layout.runs_on[i] and _is_title(layout.lines[i].text):
            below = layout.kinds[i + 1]
            if below == "blank":
                heads = _next_kind(layout, i) != "blank"
            else:
                body = _is_body(layout.lines[i], layout.lines[i + 1])
                heads = below != "prose" or body or i + 1 in found
            if heads:
                found.add(i)
    return found


def _is_asked(layout: Layout, i: int) -> bool:
    """Whether a line below an FAQ heading is a question with something below it."""
    line = layout.lines[i].text
    alone = layout.kinds[i] == "prose" or _is_lone_number(layout, i)
    asking = alone and asks(line) and len(line) <= 300 and _opens(line)
    return asking and not layout.runs_on[i] and _next_kind(layout, i) != "blank"


def _next_kind(layout: Layout, i: int) -> str:
    below = layout.kinds[i + 1 : i + 1 + _NEIGHBOURHOOD]
    return next((kind for kind in below if kind != "blank"), "blank")


def _is_lone_number(layout: Layout, i: int) -> bool:
    """Whether a line is numbered and is no item of a list: none stands on it, none counts on."""
    number = item_number(layout.lines[i].text)
    if layout.kinds[i] != "item" or number is None:
        return False
    around = range(max(0, i - _NEIGHBOURHOOD), min(len(layout.kinds), i + 1 + _NEIGHBOURHOOD))
    above = next((k for k in reversed(around) if k < i and layout.kinds[k] != "blank"), i)
    below = next((k for k in around if k > i and layout.kinds[k] != "blank"), i)
    kinds = (layout.kinds[above], layout.kinds[below])
    counts_on = kinds[0] == "item" and item_number(layout.lines[above].text) == number - 1
    goes_on = kinds[1] == "item" and item_number(layout.lines[below].text) == number + 1
    touches = any(k != i and abs(k - i) == 1 and layout.kinds[k] == "item" for k in (above, below))
    return not ("more" in kinds or counts_on or goes_on or touches)


def _is_title(line: str) -> bool:
    words = line.split() if len(line) <= 100 else []
    if not 0 < len(words) <= 14 or not _opens(line) or words[-1] in _SMALL_WORDS:
        return False
    if any(mark in line for mark in ("@", "://", "|")) or _CODE.search(line):
        return False
    if item_number(line) is not None:
        words = words[1:]
    if line.endswith("?"):
        capitals = all(not word[0].islower() for word in words if len(word) > 3)
        return words[0].lower() in _ASKING_WORDS or (capitals and len(words) > 1)
    if line.isupper() and line.endswith("."):
        return True
    return not line.endswith(_NOT_A_TITLE_END) and not ends_sentence(line)


def _opens(line: str) -> bool:
    """Whether a line has a letter and opens with a capital, a digit or a letter without case."""
    numbered = line.removeprefix("(") if item_number(line) is not None else line
    first = numbered.lstrip("¿¡§ ")[:1]
    return first.isalnum() and not first.islower() and any(map(str.isalpha, line))


def _is_body(heading: Line, below: Line) -> bool:
    if len(below.text) >= 50:
        return True
    if not below.text.endswith(":") and not ends_sentence(below.text):
        return False
    longer = 2 * len(below.text) >= 3 * len(heading.text)
    return longer or len(heading.text.split()) <= 4


def _begins(layout: Layout, i: int, headings: list[int]) -> bool:
    if i == 0 or headings[-1:] == [i - 1] or layout.kinds[i - 1] not in ("prose", "mark"):
        return True
    return not layout.runs_on[i - 1] and ends_sentence(layout.lines[i - 1].text)


def _without_crowds(layout: Layout, found: list[int]) -> list[int]:
    """The headings without those that stand together in a crowd, with no text between them."""
    kept: list[int] = []
    crowd: list[int] = []
    for i, after in pairwise([*found, len(layout.lines)]):
        crowd.append(i)
        if any(kind not in ("blank", "underline") for kind in layout.kinds[i + 1 : after]):
            kept += [] if _is_crowd(layout, crowd) else crowd
            crowd = []
    return kept


def _is_crowd(layout: Layout, crowd: list[int]) -> bool:
    tight = sum(after == i + 1 for i, after in pairwise(crowd))
    labelled = len(crowd) > 1 and all(": " in layout.lines[i].text for i in crowd)
    return labelled or tight > 1 or len(crowd) > 3


def _levels(layout: Layout, found: list[int]) -> dict[int, int]:
    """The headings with their levels; below an FAQ heading, those that ask are one deeper."""
    levels = {}
    faq = 0
    for i in found:
        line = layout.lines[i].text
        if faq and asks(line):
            levels[i] = faq + 1
            continue
        levels[i] = _level(layout, i)
        faq = levels[i] if is_faq_heading(line) else 0
    return levels


def _level(layout: Layout, i: int) -> int:
    if layout.kinds[i] == "underlined":
        return 1 if layout.lines[i + 1].text[0] == "=" else 2
    number = _NUMBERED.match(layout.lines[i].text)
    return number["number"].count(".") + 1 if number else 1
