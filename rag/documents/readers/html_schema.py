"""The questions and answers that a page tells as schema.org's FAQPage."""

from __future__ import annotations

import json
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser

from rag.documents.readers.draft import Draft, squeezed


def add_schema_pairs(draft: Draft, tree: LexborHTMLParser) -> None:
    """Marks the questions of a schema.org FAQPage, and adds those that the page does not show."""
    marked = {
        squeezed(name.text())
        for question in tree.css("[itemtype$='/Question']")
        if (name := question.css_first("[itemprop=name]")) is not None
    }
    pairs = dict(_told_pairs(tree))
    shown = draft.mark_questions(marked | set(pairs))
    for question, answer in pairs.items():
        if question not in shown:
            draft.question(question)
            draft.paragraph(answer)


def _told_pairs(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    for script in tree.css("script[type='application/ld+json']"):
        try:
            waiting = [json.loads(script.text())]
        except (ValueError, RecursionError):
            continue
        while waiting:
            found = waiting.pop()
            if isinstance(found, list):
                waiting += reversed(found)
            elif isinstance(found, dict):
                if found.get("@type") == "Question":
                    yield from _pair(found)
                waiting += reversed([v for v in found.values() if isinstance(v, list | dict)])


def _pair(question: dict[str, object]) -> Iterator[tuple[str, str]]:
    answer = question.get("acceptedAnswer")
    answer = answer[0] if isinstance(answer, list) and answer else answer
    told = (question.get("name"), answer.get("text") if isinstance(answer, dict) else None)
    if isinstance(told[0], str) and isinstance(told[1], str):
        name, text = (LexborHTMLParser(f"<div>{part}</div>").text(separator=" ") for part in told)
        if squeezed(name) and squeezed(text):
            yield squeezed(name), squeezed(text)
