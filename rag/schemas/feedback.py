"""What readers say of answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic import model_validator as validator
from pydantic_core import PydanticCustomError

from rag.schemas.ask import QuestionText
from rag.schemas.base import Model, Request, refuse_nul
from rag.types import Feedback, Opinion

MAX_COMMENT = 2000
# The longest text that feedback can be about: more than any passage has.
MAX_QUOTE = 4000
# The largest integer that every JSON reader keeps exactly.
_LAST_OFFSET = 2**53 - 1
_OPTIONAL = ("passage_id", "document_id", "char_start", "char_end", "comment")

_Id = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(refuse_nul)]
_Offset = Annotated[int, Field(strict=True, ge=0, le=_LAST_OFFSET)]


def _declare_place(schema: dict[str, Any]) -> None:
    """Adds to the JSON schema what `_names_a_place` checks of the fields that are given."""
    schema["dependentSchemas"] = {
        "document_id": {"required": ["char_start", "char_end"]},
        "char_start": {"required": ["char_end"]},
        "char_end": {
            "required": ["char_start"],
            "anyOf": [{"required": ["passage_id"]}, {"required": ["document_id"]}],
        },
    }
    schema["examples"] = [
        {
            "question": "Who collects the T cells?",
            "verdict": "missing",
            "index": "0123456789ab",
        }
    ]
    for name in _OPTIONAL:
        # What is not given is None in Python; JSON leaves it out.
        field = schema["properties"][name]
        inner = next(each for each in field["anyOf"] if each.get("type") != "null")
        schema["properties"][name] = {**inner, "description": field["description"]}


class FeedbackRequest(Request):
    """What a reader says of the answer to a question.

    `helpful` and `wrong` are about a passage or a part of its document; `missing` says that the
    documents do not answer.
    """

    model_config = ConfigDict(json_schema_extra=_declare_place)

    question: QuestionText = Field(description="as it was asked")
    verdict: Opinion
    index: Annotated[str, StringConstraints(pattern="^[0-9a-f]{12}$")] = Field(
        description="`index.version` of the answer"
    )
    passage_id: _Id | None = Field(default=None, description="the passage that it is about")
    document_id: _Id | None = Field(
        default=None, description="the document that the part is of, if no passage is named"
    )
    char_start: _Offset | None = Field(default=None, description="where in the document it begins")
    char_end: _Offset | None = Field(default=None, description="where in the document it ends")
    comment: (
        Annotated[str, StringConstraints(max_length=MAX_COMMENT), AfterValidator(refuse_nul)] | None
    ) = Field(default=None, description="up to 2,000 characters, kept as they are")

    @validator(mode="after")
    def _names_a_place(self) -> FeedbackRequest:
        ends = (self.char_start, self.char_end)
        named = self.passage_id is not None or self.document_id is not None
        if ends == (None, None) and self.document_id is None:
            return self
        if None in ends or not named:
            raise PydanticCustomError(
                "half_a_place",
                "char_start and char_end belong together, with a passage_id or a document_id",
            )
        if not 0 < (self.char_end or 0) - (self.char_start or 0) <= MAX_QUOTE:
            raise PydanticCustomError(
                "bad_span",
                "char_end must be 1 to {most} characters after char_start",
                {"most": MAX_QUOTE},
            )
        return self


class FeedbackResponse(Model):
    """The id under which the feedback was stored."""

    id: str


class FeedbackModel(Model):
    """Feedback as it was given, with the text that it is about.

    `text[char_start:char_end]` of the document, whose text had that `sha256`, was `quote`. These
    fields are null if no place was named. `created` is in ISO 8601, UTC.
    """

    id: str
    created: str
    question: str
    verdict: Opinion
    index: str
    comment: str | None
    passage_id: str | None
    document_id: str | None
    sha256: str | None
    char_start: int | None
    char_end: int | None
    quote: str | None


class FeedbackListResponse(Model):
    """Feedback, oldest first. `next` is the id to go on after, null at the end."""

    feedback: tuple[FeedbackModel, ...]
    next: str | None

    @classmethod
    def of(cls, found: list[Feedback], limit: int) -> FeedbackListResponse:
        """The first `limit` of what was found; if there is more, it goes on after them."""
        listed = tuple(map(FeedbackModel.model_validate, found[:limit]))
        return cls(feedback=listed, next=listed[-1].id if len(found) > limit else None)
