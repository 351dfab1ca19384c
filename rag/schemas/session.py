"""The session of a browser."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from rag.schemas.base import Model, Request
from rag.serving import Key, KeyScope


class SessionRequest(Request):
    """The key that a session begins with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "rag_0123abcd_..."}]})

    key: str = Field(min_length=1, max_length=200, description="as `rag keys add` printed it")


class SessionResponse(Model):
    """Whether a key is required, and what this one may do; null without a valid key.

    `limited`: it sees some documents only.
    """

    required: bool
    scope: KeyScope | None = None
    name: str | None = None
    limited: bool = False
    expires: datetime | None = None

    @classmethod
    def of(cls, required: bool, key: Key | None) -> SessionResponse:
        """The session of that key."""
        if key is None:
            return cls(required=required)
        return cls(
            required=required,
            scope=key.scope,
            name=key.name,
            limited=bool(key.paths),
            expires=key.expires,
        )
