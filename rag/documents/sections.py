"""The sections of a document: its blocks under their headings, and its FAQ pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import regex

from rag.types import Block, ParsedDocument, Section

# A word keeps its marks: without vowel signs other words of Hindi would be the same.
_NOT_IN_SLUG = regex.compile(r"(?:[^\w\p{N}]|_)+")
_LONGEST_SLUG = 80

_Path = tuple[str, ...]


def sections_of(parsed: ParsedDocument) -> list[Section]:
    """The sections, in order.

    A heading with nothing under it is a section of its own, unless deeper headings follow, whose
    paths hold it. The document's title is no part of a path if it is the document's first and only
    H1. A question that nothing answers is body.

    Ids name the path: `guide.md#install/on-debian`, `guide.md#top` before the first heading, with
    `-2`, `-3` if one is taken. They do not depend on how sections are divided into passages.
    """
    found = list(_outline(parsed))
    ids = _ids(parsed.document.id, [path for path, _, _ in found])
    return [_section(parsed, identity, *part) for identity, part in zip(ids, found, strict=True)]


def _outline(parsed: ParsedDocument) -> Iterator[tuple[_Path, int, int]]:
    """For each section its heading path, its first block and the block after its last."""
    blocks = parsed.blocks
    title = _title_heading(parsed)
    openings = [i for i, block in enumerate(blocks) if block.kind in ("heading", "question")]
    bounds = [*openings, len(blocks)]
    if bounds[0] > 0:
        yield (), 0, bounds[0]
    above: list[Block] = []
    for i, after in pairwise(bounds):
        opening = blocks[i]
        if opening.level:
            above = [heading for heading in above if heading.level < opening.level]
        path = tuple(heading.label for heading in above)
        has_text = after > i + 1
        if opening.kind == "question":
            yield (*path, opening.label) if has_text else path, i, after
            continue
        if opening is not title:
            above.append(opening)
            path = (*path, opening.label)
        if has_text or not _has_deeper(blocks, i):
            yield path, i, after


def _has_deeper(blocks: Sequence[Block], i: int) -> bool:
    """Whether the block after a heading is a deeper heading, or a question."""
    below = blocks[i + 1] if i + 1 < len(blocks) else None
    return below is not None and not 0 < below.level <= blocks[i].level


def _title_heading(parsed: ParsedDocument) -> Block | None:
    headings = [block for block in parsed.blocks if block.kind == "heading"]
    top = [heading for heading in headings if heading.level == 1]
    is_title = len(top) == 1 and top[0] is headings[0] and top[0].label == parsed.document.title
    return top[0] if is_title else None


def _section(parsed: ParsedDocument, identity: str, path: _Path, first: int, after: int) -> Section:
    document, blocks = parsed.document, parsed.blocks
    opening = blocks[first]
    has_head = opening.kind in ("heading", "question") and after > first + 1
    is_pair = has_head and opening.kind == "question"
    end = blocks[after].start if after < len(blocks) else len(document.text)
    # The markup that closes an answer, such as `</details>`, is no part of it.
    last = blocks[after - 1].end
    return Section(
        id=identity,
        document_id=document.id,
        heading_path=path,
        start=opening.start,
        end=last if is_pair and not document.text[last:end].isspace() else end,
        kind="faq" if is_pair else "body",
        body_start=blocks[first + 1].start if has_head else opening.start,
    )


def _ids(document_id: str, paths: Iterable[_Path]) -> Iterator[str]:
    taken: dict[str, int] = {}
    for path in paths:
        base = identity = f"{document_id}#{'/'.join(map(_slug, path)) or 'top'}"
        while identity in taken:
            taken[base] += 1
            identity = f"{base}-{taken[base]}"
        taken[identity] = 1
        yield identity


def _slug(part: str) -> str:
    slug = _NOT_IN_SLUG.sub("-", part[: 2 * _LONGEST_SLUG].casefold()).strip("-")
    return slug[:_LONGEST_SLUG].strip("-") or "section"
