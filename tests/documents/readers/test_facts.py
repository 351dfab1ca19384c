"""Language and dates are what the file says, if it says them in a form that is one."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from rag.documents.parse import parse
from rag.documents.readers.archive import xml_of
from rag.documents.readers.facts import Facts, facts, front_facts, html_facts, xml_facts
from support.pdf_files import pdf, text

KNOWN = Facts("fr", "2026-03-01", "2026-04-02")
NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
    ' xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'
)


@pytest.mark.parametrize(
    ("language", "created", "modified"),
    [
        ("fr", "2026-03-01", "2026-04-02"),
        ("fr-CA", "2026-03-01T23:30:00+02:00", "2026-04-02 10:00"),
        ("FR_fr", "D:20260301120000Z", "20260402"),
        ("fra"[:2], "Sun, 1 Mar 2026 08:00:00 +0000", "2 Apr 2026 08:00:00 +0000"),
    ],
)
def test_a_language_is_a_code_and_a_date_a_day(language: str, created: str, modified: str) -> None:
    assert facts(language, created, modified) == KNOWN


@pytest.mark.parametrize("value", ["", "soon", "2026-13-01", "99", "{{ page.date }}", "und"])
def test_what_is_no_language_or_date_is_not_known(value: str) -> None:
    assert facts(value, value, value) == Facts(None, None, None)


def test_both_written_forms_of_norwegian_are_one_language() -> None:
    assert facts("nb-NO").language == facts("nn").language == "no"


def test_front_matter_tells_them() -> None:
    assert front_facts({"lang": "fr", "date": "2026-03-01", "lastmod": "2026-04-02"}) == KNOWN
    raw = b"---\ntitle: Figs\nlang: fr\ndate: 2026-03-01\nupdated: 2026-04-02\n---\nDes figues.\n"
    document = parse("figs.md", raw).documents[0].document
    found = (document.title, document.language, document.created, document.modified)
    assert found == ("Figs", "fr", "2026-03-01", "2026-04-02")


@pytest.mark.parametrize(
    "markup",
    [
        '<meta property="article:published_time" content="2026-03-01T10:00">'
        '<meta property="article:modified_time" content="2026-04-02">',
        '<meta name="date" content="2026-03-01"><meta name="last-modified" content="2026-04-02">',
        '<article><time datetime="2026-03-01">March</time></article>'
        '<p itemprop="dateModified" content="2026-04-02">',
    ],
)
def test_a_page_tells_them(markup: str) -> None:
    assert html_facts(LexborHTMLParser(f'<html lang="fr-FR">{markup}')) == KNOWN


@pytest.mark.parametrize(
    "inner",
    [
        "<dcterms:created>2026-03-01T08:00:00Z</dcterms:created>"
        "<dcterms:modified>2026-04-02T08:00:00Z</dcterms:modified>",
        "<meta:creation-date>2026-03-01T08:00:00</meta:creation-date><dc:date>2026-04-02</dc:date>",
        '<dc:date>2026-03-01</dc:date><meta property="dcterms:modified">2026-04-02</meta>',
    ],
)
def test_properties_of_office_odf_and_books_tell_them(inner: str) -> None:
    root = xml_of(f"<r {NAMESPACES}><dc:language>fr-FR</dc:language>{inner}</r>".encode())
    assert xml_facts(root) == KNOWN


def test_a_file_without_properties_tells_nothing() -> None:
    assert xml_facts(None) == html_facts(LexborHTMLParser("<p>Figs</p>")) == Facts()


def test_a_pdf_tells_them() -> None:
    raw = pdf(text("Des figues.")).replace(b"/Type /Catalog", b"/Lang (fr-FR) /Type /Catalog")
    document = parse("a.pdf", raw).documents[0].document
    # The test's files are all of one day.
    assert (document.created, document.modified) == ("2000-01-01", "2000-01-01")
    assert document.language == "fr"


def test_a_mail_was_made_on_its_date() -> None:
    raw = b"Subject: Figs\nDate: Sun, 1 Mar 2026 08:00:00 +0000\n\nThe figs are ripe.\n"
    assert parse("a.eml", raw).documents[0].document.created == "2026-03-01"


def test_front_matter_holds_a_notice() -> None:
    raw = b"---\nnotice: >\n  Ask a baker\n  first.\n---\nFigs rot.\n"
    assert parse("figs.md", raw).documents[0].document.notice == "Ask a baker first."
    assert front_facts({"notice": " "}).notice is None
