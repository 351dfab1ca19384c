"""What a file says about itself beside its title: its language, dates, and a notice to readers.

A language is the first part of its tag (`en` of `en-GB`), a date is `2026-03-01`. Whatever does not
look like one is left out: much of it is filled in by programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Libraries that a service need not load.
    from lxml import etree
    from selectolax.lexbor import LexborHTMLParser

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.IGNORECASE | re.DOTALL)
# Codes for no language, none in particular and an unknown one.
_NO_LANGUAGE = ("und", "zxx", "mul", "mis")
# The two written forms of Norwegian have one stemmer.
_SAME = {"nb": "no", "nn": "no"}
_DATE = re.compile(r"(?:D:)?(\d{4})-?(\d\d)-?(\d\d)(?!\d{1,3}\b)")
_HTML_CREATED = (
    'meta[property="article:published_time"]',
    'meta[itemprop="datePublished"]',
    'meta[name="date"]',
    'meta[name="DC.date"]',
    'meta[name="dcterms.created"]',
    '[itemprop="datePublished"]',
    "article time[datetime]",
)
_HTML_MODIFIED = (
    'meta[property="article:modified_time"]',
    'meta[property="og:updated_time"]',
    'meta[itemprop="dateModified"]',
    'meta[name="last-modified"]',
    'meta[name="dcterms.modified"]',
    '[itemprop="dateModified"]',
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The language of a file, the days it was made and last changed, its notice; None: unsaid."""

    language: str | None = None
    created: str | None = None
    modified: str | None = None
    notice: str | None = None


NO_FACTS = Facts()

# The keys of front matter that tell them.
_LANGUAGE_KEYS = ("lang", "language", "locale")
_CREATED_KEYS = ("date", "created", "published", "publishDate")
_MODIFIED_KEYS = ("lastmod", "modified", "updated", "last_updated")
FACT_KEYS = frozenset((*_LANGUAGE_KEYS, *_CREATED_KEYS, *_MODIFIED_KEYS))


def facts(language: str = "", created: str = "", modified: str = "", notice: str = "") -> Facts:
    """The facts in values as a file gives them."""
    said = " ".join(notice.split())
    return Facts(_language(language), _date(created), _date(modified), said or None)


def front_facts(values: Mapping[str, str]) -> Facts:
    """The facts in the front matter of a text."""
    return facts(
        _first(values.get(key, "") for key in _LANGUAGE_KEYS),
        _first(values.get(key, "") for key in _CREATED_KEYS),
        _first(values.get(key, "") for key in _MODIFIED_KEYS),
        values.get("notice", ""),
    )


def xml_facts(root: etree._Element | None) -> Facts:
    """The facts among the properties of an Office document, an ODF document or a book."""
    if root is None:
        return NO_FACTS
    made = _texts(root, "created", "creation-date")
    # ODF dates the last change so, a book its publication.
    dated = _texts(root, "date")
    changed = _texts(root, "modified") + [
        meta.text or "" for meta in root.iter("{*}meta") if "modified" in meta.get("property", "")
    ]
    created, modified = (made, changed + dated) if made else (dated, changed)
    return facts(_first(_texts(root, "language")), _first(created), _first(modified))


def html_facts(tree: LexborHTMLParser) -> Facts:
    """The facts that a page declares."""
    root = tree.root
    language = (root.attributes.get("lang") if root is not None else None) or ""
    return facts(
        language, _first(_declared(tree, _HTML_CREATED)), _first(_declared(tree, _HTML_MODIFIED))
    )


def _declared(tree: LexborHTMLParser, selectors: tuple[str, ...]) -> Iterator[str]:
    for selector in selectors:
        if (node := tree.css_first(selector)) is not None:
            attributes = node.attributes
            yield attributes.get("content") or attributes.get("datetime") or ""


def _texts(root: etree._Element, *names: str) -> list[str]:
    return [each.text or "" for name in names for each in root.iter(f"{{*}}{name}")]


def _first(values: Iterator[str] | list[str]) -> str:
    return next((value.strip() for value in values if value.strip()), "")


def _language(tag: str) -> str | None:
    found = _LANGUAGE.fullmatch(tag.strip())
    code = found[1].lower() if found else None
    return None if code in _NO_LANGUAGE else _SAME.get(code or "", code)


def _date(text: str) -> str | None:
    """The day in an ISO date, in a PDF's or in the header of a mail."""
    with suppress(ValueError):
        if found := _DATE.match(text.strip()):
            return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
        return parsedate_to_datetime(text.strip()).date().isoformat()
    return None
