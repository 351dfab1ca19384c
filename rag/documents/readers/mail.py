"""Saved e-mails (EML), read by Python's email.

The subject is the title. Sender, recipients and date come first, then the body: the plain text,
else the HTML. Attachments are not read; they are named.
"""

from __future__ import annotations

import email
import email.policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart

from rag.documents.encodings import decoded, decoded_html
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.facts import facts
from rag.documents.readers.html import write_html
from rag.documents.readers.reading import Reading
from rag.types.errors import CorpusError

_HEADERS = ("From", "To", "Cc", "Date")
_NAMED = 5


def read_mail(raw: bytes) -> Reading:
    """The message in an EML file. Raises CorpusError if it holds no text."""
    draft = Draft()
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        subject = squeezed(str(message.get("Subject", "")))
        draft.heading(subject, 1)
        lines = [f"{name}: {squeezed(str(message[name]))}" for name in _HEADERS if message[name]]
        draft.paragraph("\n".join(lines))
        body = message.get_body(preferencelist=("plain", "html"))
        if body is not None:
            _write_body(draft, body)
        draft.facts = facts(draft.facts.language or "", created=str(message.get("Date", "")))
        names = [
            part.get_filename() or part.get_content_type() for part in message.iter_attachments()
        ]
    except (MessageError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise CorpusError(f"corrupt: {str(error)!r:.120}; save the message again") from error
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        named = ", ".join(squeezed(name) for name in names[:_NAMED])
        draft.left_out.append(f"attachments: not read: {named}{more}; save what you need as files")
    return draft.reading(subject)


def _write_body(draft: Draft, body: MIMEPart) -> None:
    content = body.get_payload(decode=True)
    assert isinstance(content, bytes)
    if not content.strip():
        return
    declared = body.get_content_charset("")
    if body.get_content_type() == "text/html":
        text, note = decoded_html(content) if not declared else decoded(content, declared)
        write_html(draft, text)
    else:
        text, note = decoded(content, declared)
        for part in text.replace("\r\n", "\n").split("\n\n"):
            is_quoted = all(line.startswith(">") for line in part.split("\n") if line.strip())
            draft.paragraph(part, "quote" if is_quoted else "paragraph")
    if note:
        draft.notes.append(note)
