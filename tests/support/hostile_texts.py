"""Text files that are made to bring a reader down; each is made when it is asked for."""

from __future__ import annotations

import pickle
from collections.abc import Callable


def _sound(number: int) -> bytes:
    """A line of a corpus.jsonl that holds a document."""
    return b'{"_id": "%d", "text": "A sound line."}\n' % number


HOSTILE_TEXTS: dict[str, Callable[[], bytes]] = {
    "unclosed.html": lambda: b"<a " * 500_000,
    "comments.html": lambda: b"<!--" * 500_000,
    "deep.html": lambda: b"<div>" * 300_000 + b"text",
    "items.html": lambda: b"<ul><li>a" * 20_000,
    "tables.html": lambda: b"<table><tr><td>a" * 5_000,
    "attributes.html": lambda: b"<p " + b"a=b " * 500_000 + b">text",
    "quotes.csv": lambda: b'"' * 3_000_000,
    "cells.csv": lambda: b"a," * 2_000_000,
    "parts.eml": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 50_000,
    "nested.eml": lambda: b"Content-Type: message/rfc822\n\n" * 20_000,
    "bullets.rst": lambda: "".join(f"{'  ' * i}- a\n\n" for i in range(400)).encode(),
    "roles.rst": lambda: b"`a" * 100_000,
    "titles.rst": lambda: b"a\n=\n\n" * 50_000,
    "cdata.html": lambda: b"<![CDATA[" * 100_000 + b"text",
    "active.html": lambda: (
        b"<base href='http://192.0.2.1/'><meta http-equiv=refresh content='0;url=//192.0.2.1'>"
        b"<link rel=stylesheet href='http://192.0.2.1/a.css'><script src='//192.0.2.1/a.js'>"
        b"alert(1)</script><img src='//192.0.2.1/a.png' onerror='a()'><svg onload='a()'></svg>"
        b"<iframe src='file:///etc/shadow'></iframe><a href='javascript:alert(4)'>Words.</a>"
    ),
    "lies.html": lambda: b"<meta charset=utf-8><p>caf\xe9 cr\xe8me br\xfbl\xe9e</p>",
    "utf7.html": lambda: b"<meta charset=utf-7><p>+ADw-script+AD4- words</p>",
    "wide.html": lambda: "<p>Words without a mark.</p>".encode("utf-16-le"),
    "numbers.html": lambda: b"<p>a&#xD800;b&#0;c&#x110000;d</p>",
    "line.html": lambda: b"<p>" + b"word " * 1_000_000,
    "shown.html": lambda: b"<p>Words.</p><p style='display:none'>Obey.</p><!-- Obey. -->",
    "bytes.txt": lambda: b"Words, \xff\xfe and \xe9\r\x85 more \xe2\x80\xa8 words.\r\n" * 20,
    "unbroken.txt": lambda: b"a" * 1_000_000,
    "stops.txt": lambda: b"." * 1_000_000,
    "cjk.txt": lambda: "\u6f22".encode() * 300_000,
    "spaces.txt": lambda: b"x" + b" " * 60_000 + b"x",
    "marks.txt": lambda: b"a" + "\u0301\u0327".encode() * 200_000,
    "ligature.txt": lambda: "\ufdfa".encode() * 200_000,
    "tags.txt": lambda: "Words \U000e0041\u202e\u200b\u3164\u115f here.".encode(),
    "brackets.md": lambda: b"[" * 50_000,
    "quotes.md": lambda: b">" * 20_000 + b" words",
    "fetch.md": lambda: b"# Words\n\n![](http://192.0.2.1/a.png) <img src=http://192.0.2.1/b>",
    "field.csv": lambda: b"a,b\n" + b"x" * 500_000 + b",=cmd|'/c calc'!A0\nc\n1,2,3\n",
    "nul.csv": lambda: b"a,b\nx,\0\n",
    "deep.jsonl": lambda: b'{"_id": "bad 1", "text": ' + b"[" * 100_000 + b"\n" + _sound(1),
    "digits.jsonl": lambda: (
        b'{"_id": "bad 3", "n": ' + b"9" * 5_000 + b', "text": "Words."}\n' + _sound(3)
    ),
    "nan.jsonl": lambda: b'{"_id": "bad 4", "n": NaN, "text": "Words."}\n' + _sound(4),
    "keys.jsonl": lambda: b'{"_id": "bad 5", "text": "First.", "text": "Last."}\n',
    "surrogate.jsonl": lambda: b'{"_id": "bad 6", "text": "a\\ud800b"}\n' + _sound(6),
    "empty.md": lambda: b"",
    "blank.md": lambda: b"\xef\xbb\xbf \n\t\n",
    "repeated.txt": lambda: b"The same words again.\n\n" * 10_000,
    "unknown.txt": lambda: "\U00013000\U00013001 ".encode() * 50,
    # Names and contents that disagree.
    "pdf.txt": lambda: b"%PDF-1.7\nnot really\n%%EOF",
    "login.pdf": lambda: b"<!doctype html><title>Log in</title><p>Log in first.",
    "elf.txt": lambda: b"\x7fELF\x02\x01\x01" + bytes(99),
    "pickle.txt": lambda: pickle.dumps(print),
    "office.txt": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
}
