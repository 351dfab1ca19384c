"""Which questions ask for a quantity, and which texts name one."""

import pytest

from rag.answering.quantity import asked_quantity, names_quantity


@pytest.mark.parametrize(
    "question",
    [
        "How many patients took part?",
        "how old were they",
        "And HOW LONG does it last?",
        "In which year was it founded?",
        "What percentage recovered?",
        "When did the war end?",
    ],
)
def test_asks(question: str) -> None:
    assert asked_quantity(question) in question


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How does it work?",
        "Who took part, and how?",
        "What happens when the dose is high?",
        "Which patients were how manyfold treated?",
        "What is a number?",
    ],
)
def test_does_not_ask(question: str) -> None:
    assert asked_quantity(question) == ""


@pytest.mark.parametrize(
    "text",
    [
        "about 3 of them",
        "in COVID-19",
        "Twenty-one people",
        "once a day",
        "every Week",
        "in ٣ steps",
        "on the last Friday",
        "nightly",
        "Entry is free",
    ],
)
def test_names(text: str) -> None:
    assert names_quantity(text)


@pytest.mark.parametrize("text", ["", "someone", "with care", "many of the patients"])
def test_names_none(text: str) -> None:
    assert not names_quantity(text)
