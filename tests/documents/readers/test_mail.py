"""A saved e-mail is read as subject, sender and body."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from rag.documents.readers.mail import read_mail
from rag.types.errors import CorpusError
from support.readings import shown


def message(text: str = "Herons wade.\n\n> Do they?\n") -> EmailMessage:
    found = EmailMessage()
    found["Subject"] = "Über Reiher"
    found["From"] = "Ada <ada@example.org>"
    found.set_content(text)
    return found


def test_the_subject_is_the_title_and_the_body_is_read() -> None:
    reading = read_mail(message().as_bytes())
    assert reading.title == "Über Reiher"
    assert shown(reading) == [
        ("heading", "Über Reiher"),
        ("paragraph", "From: Ada <ada@example.org>"),
        ("paragraph", "Herons wade."),
        ("quote", "> Do they?"),
    ]


def test_plain_text_goes_before_html_which_is_read_alone_too() -> None:
    both = message("Plain.")
    both.add_alternative("<p>Marked.</p>", subtype="html")
    assert "Plain." in read_mail(both.as_bytes()).text
    assert "Marked." not in read_mail(both.as_bytes()).text
    alone = message()
    alone.set_content("<h2>Food</h2><p>Fish.</p>", subtype="html")
    assert shown(read_mail(alone.as_bytes()))[-2:] == [("heading", "Food"), ("paragraph", "Fish.")]


def test_attachments_are_named_and_not_read() -> None:
    found = message()
    found.add_attachment(b"MZ", maintype="application", subtype="x-dosexec", filename="a.exe")
    reading = read_mail(found.as_bytes())
    assert reading.left_out == ("attachments: not read: a.exe; save what you need as files",)


def test_an_encoding_that_is_wrong_is_guessed() -> None:
    raw = b"Subject: x\nContent-Type: text/plain; charset=utf-8\n\nStra\xdfe in K\xf6ln\n"
    reading = read_mail(raw)
    assert "Straße in Köln" in reading.text
    assert reading.notes == ("encoding_guessed: read as CP1252",)


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"Content-Type: multipart/mixed; boundary=\n\n"])
def test_a_message_without_text_is_refused(raw: bytes) -> None:
    with pytest.raises(CorpusError):
        read_mail(raw)
