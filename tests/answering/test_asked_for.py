"""By the bundled model: what is asked for must be there, and what is there is answered."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from rag.answering.answer import ask
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.snapshot import Snapshot
from rag.types import Answer, Filters
from support.builds import build_snapshot

VALVES = {"QV-12-A": 4, "QV-12-B": 7, "QV-15-A": 11, "RV-12-A": 13}
SHELVES = "".join(f"| S{n:02} | Shelf {n} | {5 * n} kg |\n" for n in range(1, 31))
TEXTS = {
    "valves": "".join(
        f"## Valve {name}\n\nValve {name} opens at {bar} bar.\n\n" for name, bar in VALVES.items()
    ),
    "people": "".join(
        f"## {name}\n\n{name} runs the {what} and works on floor {floor}.\n\n"
        for name, what, floor in [("Mona Reyes", "bakery", 2), ("Tom Ellis", "library", 5)]
    ),
    "years": "".join(
        f"## {year}\n\nIn {year} the museum had {count} thousand visitors.\n\n"
        for year, count in zip(range(1998, 2004), range(40, 52, 2), strict=True)
    ),
    "towns": "".join(
        f"## {town}\n\nThe ferry to {town} leaves from quay {quay}.\n\n"
        for town, quay in [("Lerwick", 3), ("Bergen", 4), ("Turku", 6)]
    ),
    "shelves": f"## Loads\n\n| Code | Name | Load |\n|---|---|---|\n{SHELVES}",
    "club": """## Training

Training takes place on Thursdays.

## Locker

Lockers are free.

## Sauna

Only members over eighteen may use the sauna.

## Towels

Towels are changed nightly.
""",
    "note": "## Password\n\nThe password expires after 90 days.\n",
}
ASKED = [
    ("valves", "At what pressure does valve QV-12-B open?", True),
    ("valves", "when does rv-12-a open", True),
    ("valves", "At what pressure does valve QV 15 A open?", True),
    ("valves", "At what pressure does valve QV-12-D open?", False),
    ("valves", "At what pressure does valve QV-13-A open?", False),
    ("valves", "At what pressure does valve RV-15-A open?", False),
    ("people", "On which floor does Mona Reyes work?", True),
    ("people", "What does Tom Ellis run?", True),
    ("people", "On which floor does Mona Ellis work?", False),
    ("people", "What does Karl Reyes run?", False),
    ("years", "How many visitors did the museum have in 2001?", True),
    ("years", "How many visitors did the museum have in 2009?", False),
    ("years", "How many visitors did the museum have in 201?", False),
    ("towns", "Where does the ferry to Bergen leave?", True),
    ("towns", "Where does the ferry to Malmö leave?", False),
    ("shelves", "How much can shelf 17 carry?", True),
    ("shelves", "load of S17", True),
    ("shelves", "How much can shelf 37 carry?", False),
    ("shelves", "How much can shelf 145 carry?", False),
    ("club", "When is training?", True),
    ("club", "How much does a locker cost?", True),
    ("club", "How old must users of the sauna be?", True),
    ("club", "How often are towels changed?", True),
    ("club", "Who invented the telephone?", False),
    ("note", "When does the password expire?", True),
    ("note", "Who founded the company?", False),
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder("bundled", "onnx", 1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Mapping[str, Snapshot]:
    snapshots = {}
    for name, text in TEXTS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / f"{name}.md").write_text(f"# {name.title()}\n\n{text}", encoding="utf-8")
        snapshots[name] = build_snapshot([folder], encoder)
    return snapshots


@pytest.mark.parametrize(("corpus", "question", "is_there"), ASKED)
def test_what_is_there_is_answered_and_its_neighbour_is_not(
    built: Mapping[str, Snapshot], encoder: Encoder, corpus: str, question: str, is_there: bool
) -> None:
    answer = ask(built[corpus], encoder, question)
    assert answer.abstained != is_there, answer.confidence
    assert is_there == any(cited.highlights for cited in answer.passages)


def test_an_abstention_names_the_neighbour_that_was_asked_for(
    built: Mapping[str, Snapshot], encoder: Encoder
) -> None:
    answer = ask(built["valves"], encoder, "At what pressure does valve QV-12-D open?")
    assert answer.missing == ("valve QV-12-D",)


def test_the_crowd_does_not_change_the_confidence(tmp_path: Path, encoder: Encoder) -> None:
    text = f"# Club\n\n{TEXTS['club']}"

    def built_with(name: str, others: Mapping[str, str]) -> Snapshot:
        folder = tmp_path / name
        folder.mkdir()
        for file, content in {"club": text, **others}.items():
            (folder / f"{file}.md").write_text(content, encoding="utf-8")
        return build_snapshot([folder], encoder)

    alone = built_with("alone", {})
    copies = {f"copy{at}": text for at in range(30)}
    others = {name: f"# {name.title()}\n\n{TEXTS[name]}" for name in ("valves", "years", "towns")}
    crowded = built_with("crowded", copies | others)

    def asked(snapshot: Snapshot, question: str, **options: Filters) -> Answer:
        return ask(snapshot, encoder, question, **options)

    for question, is_there in [each[1:] for each in ASKED if each[0] == "club"]:
        expected = asked(alone, question).confidence
        filtered = asked(crowded, question, filters=Filters(("club.md",)))
        assert filtered.confidence == pytest.approx(expected, abs=0.02)
        # A question of neither may be nearer to the others.
        if is_there:
            assert asked(crowded, question).confidence == pytest.approx(expected, abs=0.02)
