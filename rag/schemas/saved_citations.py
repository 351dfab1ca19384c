"""Saved citations in a request or a file, as answers gave them.

Each is a passage of an answer, with its `text` and its `citation`; or a citation alone, with its
text as `quote` or `text`. Without the text, it can be verified only in an unchanged document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rag.schemas.ask import ask_example
from rag.schemas.base import Fields, Model, Request
from rag.schemas.citations import PageBoxesModel
from rag.types import SavedCitation
from rag.types.errors import UsageError

MAX_CITATIONS = 100
# The largest integer that every JSON reader keeps exactly.
_LAST_OFFSET = 2**53 - 1

_Id = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
_Quote = Annotated[str, StringConstraints(min_length=1)]
_Offset = Annotated[int, Field(strict=True, ge=0, le=_LAST_OFFSET)]


class SavedCitationModel(Request):
    """A citation as an answer gave it; all fields of an answer's citation are accepted."""

    document_id: _Id
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the document's canonical text")
    char_start: _Offset
    char_end: _Offset
    quote: _Quote | None = Field(default=None, description="the text that is cited")
    text: _Quote | None = Field(default=None, description="another name for `quote`")
    title: str | None = None
    media_type: str | None = None
    heading_path: tuple[str, ...] = ()
    line_start: int | None = None
    line_end: int | None = None
    page: int | None = None
    place: dict[str, str | int] | None = None
    boxes: tuple[PageBoxesModel, ...] = ()
    url: str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> SavedCitationModel:
        if self.char_end <= self.char_start:
            raise PydanticCustomError("empty_span", "char_end must be greater than char_start")
        if self.quote is not None and self.text is not None:
            raise _ambiguous("text is another name for quote: give one of them")
        return self

    @property
    def saved(self) -> SavedCitation:
        """The same as the library takes it."""
        quote = self.text if self.quote is None else self.quote
        return SavedCitation(self.document_id, self.sha256, self.char_start, self.char_end, quote)


class SavedPassageModel(Model):
    """A passage as an answer gave it; its other fields are ignored."""

    text: _Quote
    citation: SavedCitationModel

    @model_validator(mode="after")
    def _quotes_once(self) -> SavedPassageModel:
        if self.citation.saved.quote not in (None, self.text):
            raise _ambiguous("the passage's text is not what its citation quotes")
        return self

    @property
    def saved(self) -> SavedCitation:
        """The same as the library takes it."""
        return self.citation.model_copy(update={"quote": self.text, "text": None}).saved


def _form(value: object) -> str:
    """Which of the two forms a value has: only a passage has a field `citation`."""
    return "passage" if isinstance(value, dict) and "citation" in value else "bare"


Saved = Annotated[
    Annotated[SavedPassageModel, Tag("passage")] | Annotated[SavedCitationModel, Tag("bare")],
    Discriminator(_form),
]


def _add_example(schema: dict[str, Any]) -> None:
    schema["examples"] = [{"citations": ask_example()["passages"]}]


class VerifyRequest(Request):
    """Saved citations to check: passages of answers, or citations with their quotes."""

    model_config = ConfigDict(json_schema_extra=_add_example)

    citations: Annotated[list[Saved], Field(min_length=1, max_length=MAX_CITATIONS, fail_fast=True)]

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of the request and of a citation, which may be that of a passage."""
        citation = frozenset(SavedCitationModel.model_fields)
        return {**super().known_fields(), "citations": citation, "citation": citation}


_ADAPTER: TypeAdapter[SavedPassageModel | SavedCitationModel] = TypeAdapter(Saved)


def read_saved(raw: bytes, name: str) -> list[SavedCitation]:
    """The citations in a file: JSON values one after another, on lines of their own or not.

    Each value is an answer, a passage or a citation, or a list of these. Raises UsageError, naming
    file, line and field, if one is something else, or if there is none.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: byte {error.start} is not UTF-8; convert the file") from None
    found = [
        saved for line, value in _values(text, name) for saved in _saved(value, f"{name}:{line}")
    ]
    if not found:
        raise UsageError(f"{name}: no citation in it; save answers by `rag ask --json`")
    return found


def _values(text: str, name: str) -> Iterator[tuple[int, object]]:
    """Each JSON value with the line on which it begins."""
    decoder = json.JSONDecoder()
    at = _skip_blank(text, 0)
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            value, after = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{name}:{error.lineno}: not JSON ({error.msg}); save answers by `rag ask --json`"
            ) from None
        except (RecursionError, ValueError):
            raise UsageError(f"{name}:{line}: not JSON that an answer could be") from None
        yield line, value
        at = _skip_blank(text, after)


def _skip_blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _parts(value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """The passages and citations in a value, each with its place in it."""
    items = enumerate(value) if isinstance(value, list) else [(None, value)]
    for number, item in items:
        place = () if number is None else (f"[{number}]",)
        passages = item.get("passages") if isinstance(item, dict) else None
        if isinstance(passages, list):
            yield from (((*place, f"passages[{n}]"), part) for n, part in enumerate(passages))
        else:
            yield place, item


def _saved(value: object, where: str) -> Iterator[SavedCitation]:
    for place, part in _parts(value):
        try:
            yield _ADAPTER.validate_python(part).saved
        except ValidationError as error:
            raise UsageError(f"{where}: {_complaint(place, error)}") from None


def _complaint(place: tuple[str, ...], error: ValidationError) -> str:
    """The first error, after the field that has it."""
    first: Any = error.errors(include_url=False, include_input=False)[0]
    field = ".".join([*place, *map(str, first["loc"][1:])])
    return f"{field}: {first['msg']}" if field else first["msg"]


def _ambiguous(message: str) -> PydanticCustomError:
    return PydanticCustomError("ambiguous_field", message)
