"""What all requests and responses have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:  # refusals need none
    from rag.index import Snapshot

# The names of the fields that an object may have, by the name of its own field; "" for the
# request itself.
Fields = Mapping[str, frozenset[str]]


class Model(BaseModel):
    """Immutable, without NaN or infinity; made of a dict or of an object with these attributes."""

    # pydantic would keep 16,384 short texts of its input, such as questions: megabytes.
    model_config = ConfigDict(
        frozen=True,
        allow_inf_nan=False,
        from_attributes=True,
        cache_strings="none",
        defer_build=True,
    )


class Request(Model):
    """What comes in: a field that is unknown is an error."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of each object in the request: the only names that a refusal may repeat."""
        return {"": frozenset(cls.model_fields)}


class IndexModel(Model):
    """The index that answered."""

    version: str
    model: str

    @classmethod
    def of(cls, snapshot: Snapshot) -> IndexModel:
        """The snapshot, as every answer names it."""
        return cls(version=snapshot.id, model=snapshot.manifest.model.name)


def refuse_nul(text: str) -> str:
    """The text itself; raises if it holds U+0000."""
    if "\0" in text:
        raise PydanticCustomError("nul_character", "U+0000 is not allowed")
    return text
