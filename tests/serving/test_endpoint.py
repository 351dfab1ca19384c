"""The endpoint that the settings name."""

from __future__ import annotations

import pytest

from rag.serving.endpoint import endpoint_of
from rag.types.errors import UsageError
from rag.types.settings import Settings
from support.chat_endpoint import KEY


def named(url: str, model: str = "small", key: str = KEY) -> Settings:
    return Settings(generate_url=url, generate_model=model, generate_key=key)  # type: ignore[arg-type]


def test_by_default_there_is_none() -> None:
    assert endpoint_of(Settings()) is None


@pytest.mark.parametrize(
    "url", ["http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"]
)
def test_the_url_may_end_in_the_version_or_the_path(url: str) -> None:
    endpoint = endpoint_of(named(url))
    assert endpoint is not None
    assert (endpoint.url, endpoint.model, endpoint.key) == (
        "http://h:1/v1/chat/completions",
        "small",
        KEY,
    )


def test_the_key_is_not_shown() -> None:
    settings = named("http://h/v1")
    assert KEY not in f"{settings!r} {settings} {endpoint_of(settings)!r}"


@pytest.mark.parametrize("url", ["localhost:11434/v1", "ftp://h/v1", "http://", "file:///x"])
def test_a_url_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError, match="RAG_GENERATE_URL is no address of HTTP"):
        endpoint_of(named(url))


def test_a_url_without_a_model_is_refused() -> None:
    with pytest.raises(UsageError, match="set RAG_GENERATE_MODEL"):
        endpoint_of(named("http://h/v1", model=""))
