"""A corpus in BEIR's form: one JSON object a line, with `_id`, `title` and `text`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from rag.documents.json_lines import filled_lines, json_object
from rag.documents.readers.labels import shortened
from rag.types.errors import CorpusError

_FORM = 'write one {"_id": "...", "title": "...", "text": "..."} a line'

# Every citation repeats it.
_LONGEST_ID = 500


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """A document's line: where it stands, a hash of its bytes, its id, title and text."""

    line: int
    sha256: str
    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no document, and why."""

    line: int
    reason: str


def records(raw: bytes) -> Iterator[JsonRecord | BadLine]:
    """The lines of a corpus.jsonl in order; blank lines are passed over.

    A document without text has its title as text.
    """
    for number, line in filled_lines(raw.split(b"\n")):
        try:
            yield _record(line, number)
        except CorpusError as error:
            yield BadLine(number, str(error))


def _record(line: bytes, number: int) -> JsonRecord:
    try:
        found = json_object(line)
    except ValueError as error:
        raise CorpusError(f"{error}; {_FORM}") from error
    identity = _string(found, "_id")
    if not identity:
        raise CorpusError(f"no `_id`; {_FORM}")
    if len(identity) > _LONGEST_ID:
        raise CorpusError(
            f"`_id` has {len(identity)} characters, at most {_LONGEST_ID} are read;"
            " give a shorter one"
        )
    title = _string(found, "title")
    text = _string(found, "text")
    return JsonRecord(
        line=number,
        sha256=hashlib.sha256(line).hexdigest(),
        id=identity,
        title=shortened(title) or identity,
        text=text if text.strip() else " ".join(title.split()),
    )


def _string(found: dict[str, object], key: str) -> str:
    value = found.get(key) or ""
    if not isinstance(value, str):
        raise CorpusError(f"`{key}` is {value!r:.40}, not a string; {_FORM}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise CorpusError(f"`{key}` holds half a surrogate pair; remove it")
    return value
