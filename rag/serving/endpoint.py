"""The endpoint that may write an answer from the passages: off unless the settings name one."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rag.types.errors import UsageError
from rag.types.settings import Settings

PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class WritingLimits:
    """What an endpoint may take.

    Seconds until it is connected, between two parts of its response, and for the whole of it; bytes
    of the response, and characters of its text.
    """

    connecting: float = 5.0
    silence: float = 60.0
    whole: float = 180.0
    most_bytes: int = 4_000_000
    characters: int = 8000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an OpenAI-compatible service takes chat completions, and the model that is to write.

    `key` is secret: it is sent to the endpoint and shown nowhere.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    limits: WritingLimits = WritingLimits()


def endpoint_of(settings: Settings) -> Endpoint | None:
    """The endpoint that the settings name; None if they name none.

    The URL may end in `/v1` or in `/v1/chat/completions`. Raises UsageError if it is none, or no
    model is named.
    """
    url, model, key = settings.generate_url, settings.generate_model, settings.generate_key
    if not url:
        return None
    address = urlsplit(url)
    # The URL may hold a password, so it is not repeated.
    if address.scheme not in ("http", "https") or not address.hostname:
        raise UsageError(
            "RAG_GENERATE_URL is no address of HTTP: give one such as http://localhost:11434/v1"
        )
    if not model:
        raise UsageError("RAG_GENERATE_URL is set, but no model: set RAG_GENERATE_MODEL too")
    base = url.rstrip("/").removesuffix(PATH)
    return Endpoint(base + PATH, model, key.get_secret_value() if key else "")
